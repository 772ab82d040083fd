import type { Context } from "./context.ts";
import { HttpError, reply } from "./http-reply.ts";
import { formatTicks } from "./ticks.ts";

/** `GET partitions`; 400 when the feature is off (contract §5). */
export function getPartitions({ backend, partitionsOn, response }: Context): void {
  if (!partitionsOn) throw new HttpError(400, "Data partitions are not enabled.");
  const list = backend.partitions().map(({ key, name, created }) => ({
    partitionKey: key,
    partitionName: name,
    createdDate: formatTicks(created),
  }));
  reply(response, 200, JSON.stringify(list), "application/json; charset=utf-8");
}
