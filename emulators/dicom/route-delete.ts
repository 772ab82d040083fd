import type { Context } from "./context.ts";
import { HttpError, reply } from "./http-reply.ts";
import { scopeOf } from "./route-metadata.ts";

/** DELETE of a study, series or instance: one transaction, one feed row per instance (contract §4.4). */
export function deleteScope(context: Context): void {
  const { writer } = context.backend;
  if (!writer) throw new HttpError(405);
  if (writer.delete(scopeOf(context)) === 0) throw new HttpError(404, "The specified item could not be found.");
  reply(context.response, 204);
}
