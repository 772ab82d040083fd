import { createHash } from "node:crypto";
import type { InstanceView, Scope } from "./backend.ts";
import type { Context } from "./context.ts";
import { badBlobOf, useFault } from "./faults.ts";
import { breakOff, dicomJson, HttpError, reply, writeChunk } from "./http-reply.ts";
import { requireJsonAccept } from "./http-request.ts";

/** Texts are gathered up to this size before they are written. */
const chunkSize = 64 * 1024;

export function scopeOf({ partition, params }: Pick<Context, "partition" | "params">): Scope {
  const { study, series, instance } = params;
  return {
    partition,
    ...(study !== undefined && { study }),
    ...(series !== undefined && { series }),
    ...(instance !== undefined && { instance }),
  };
}

/** WADO-RS metadata of a study, series or instance: an array, streamed (contract §4.1). */
export async function getMetadata(context: Context): Promise<void> {
  const { backend, faults, request, response } = context;
  requireJsonAccept(request.headers.accept);
  const scope = scopeOf(context);
  const version = backend.version(scope);
  if (!version) throw new HttpError(404, "The specified item could not be found.");
  const etag = scope.instance === undefined ? `${version.watermark}-${version.count}` : String(version.watermark);
  if (request.headers["if-none-match"]?.toLowerCase() === etag) return reply(response, 304);
  const original = request.headers["msdicom-request-original"]?.toString().toLowerCase() === "true";
  if (scope.instance !== undefined) {
    for (const view of backend.instances(scope)) {
      const bad = badBlobOf(faults, view);
      if (bad) throw new HttpError(bad.kind === "gone" ? 404 : 503, "The data store operation failed.");
    }
  }
  response.statusCode = 200;
  response.setHeader("Content-Type", dicomJson);
  // Without quotes, as the service sends it.
  response.setHeader("ETag", etag);
  const views = backend.instances(scope);
  const inOrder = faults.shuffleSeed === undefined ? views : shuffled(views, faults.shuffleSeed);
  await streamInstances(context, scope.study ?? "", inOrder, original);
}

async function streamInstances(
  { faults, response }: Context,
  study: string,
  views: Iterable<InstanceView>,
  original: boolean,
): Promise<void> {
  const broken = useFault(faults.brokenReads, (fault) => fault.study === study);
  let text = "[";
  let count = 0;
  for (const view of views) {
    if (badBlobOf(faults, view) || count === broken?.afterInstances) {
      await writeChunk(response, text);
      return breakOff(response);
    }
    text += (count++ === 0 ? "" : ",") + view.json(original);
    if (text.length < chunkSize) continue;
    if (!(await writeChunk(response, text))) return;
    text = "";
  }
  if (count !== broken?.afterInstances) {
    response.end(`${text}]`);
    return;
  }
  await writeChunk(response, text);
  await breakOff(response);
}

function shuffled(views: Iterable<InstanceView>, seed: number): InstanceView[] {
  const rank = ({ series, instance }: InstanceView) =>
    createHash("sha1").update(`${seed}/${series}/${instance}`).digest("hex");
  const ranked = [...views].map((view) => ({ view, rank: rank(view) }));
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ view }) => view);
}
