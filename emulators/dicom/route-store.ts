import type { IncomingMessage } from "node:http";
import type { StoreOutcome } from "./backend.ts";
import type { Context } from "./context.ts";
import { type Attribute, type Dataset, datasetText } from "./dicom-json.ts";
import { dicomJson, HttpError, reply } from "./http-reply.ts";
import { mediaRanges, requireJsonAccept } from "./http-request.ts";
import { splitMultipart } from "./multipart.ts";

type Stored = StoreOutcome & { stored: true };

/** STOW-RS, multipart or single part (contract §4.3). */
export async function storeInstances(context: Context): Promise<void> {
  const { api, backend, params, partition, request, response } = context;
  const { writer } = backend;
  if (!writer) throw new HttpError(405);
  requireJsonAccept(request.headers.accept);
  const files = await readFiles(request);
  if (files.length === 0) return reply(response, 204);
  const study = params["study"];
  const outcomes = files.map((bytes) => writer.store({ bytes, partition, api, ...(study !== undefined && { study }) }));
  if (outcomes.some((outcome) => outcome.stored && outcome.multiValued))
    response.setHeader(
      "Warning",
      `299 ${request.headers.host ?? "-"}: "The DICOM dataset has indexed attributes with several values."`,
    );
  reply(response, statusOf(outcomes, api), datasetText(report(context, outcomes)), dicomJson);
}

/** Some failed: 202; on v2 also when all are stored and any has a warning; none stored: 409. */
function statusOf(outcomes: readonly StoreOutcome[], api: 1 | 2): number {
  const stored = outcomes.filter((outcome) => outcome.stored);
  if (stored.length === 0) return 409;
  const warned = api === 2 && stored.some((outcome) => outcome.warnings.length > 0 || outcome.implicitVr);
  return stored.length < outcomes.length || warned ? 202 : 200;
}

function report({ api, base, params }: Context, outcomes: readonly StoreOutcome[]): Dataset {
  const stored = outcomes.filter((outcome) => outcome.stored);
  const failed = outcomes.filter((outcome) => !outcome.stored);
  return {
    ...(params["study"] !== undefined &&
      stored.length > 0 && { "00081190": one("UR", `${base}/studies/${params["study"]}`) }),
    ...(stored.length > 0 && {
      "00081199": { vr: "SQ", Value: stored.map((outcome) => storedItem(outcome, api, base)) },
    }),
    ...(failed.length > 0 && {
      "00081198": {
        vr: "SQ",
        Value: failed.map(({ failure, sopClass, instance }) => ({
          ...(sopClass !== undefined && { "00081150": one("UI", sopClass) }),
          ...(instance !== undefined && { "00081155": one("UI", instance) }),
          "00081197": one("US", failure.code),
          "00741048": errorItems(failure.errors),
        })),
      },
    }),
  };
}

function storedItem({ warnings, implicitVr, ...stored }: Stored, api: 1 | 2, base: string): Dataset {
  const warning = implicitVr ? 45063 : warnings.length > 0 ? 1 : undefined;
  const { study, series, instance, sopClass } = stored;
  return {
    "00081150": one("UI", sopClass),
    "00081155": one("UI", instance),
    "00081190": one("UR", `${base}/studies/${study}/series/${series}/instances/${instance}`),
    ...(warning !== undefined && { "00081196": one("US", warning) }),
    ...(api === 2 && { "00741048": errorItems(warnings) }),
  };
}

function errorItems(sentences: readonly string[]): Attribute {
  if (sentences.length === 0) return { vr: "SQ" };
  return { vr: "SQ", Value: sentences.map((sentence) => ({ "00000902": one("LO", sentence) })) };
}

function one(vr: string, value: string | number): Attribute {
  return { vr, Value: [value] };
}

async function readFiles(request: IncomingMessage): Promise<Uint8Array[]> {
  const header = request.headers["content-type"] ?? "";
  if (header === "application/dicom") {
    const body = await readBody(request);
    return body.length > 0 ? [body] : [];
  }
  const [media] = mediaRanges(header);
  const { boundary, type, start } = media?.parameters ?? {};
  if (media?.type !== "multipart/related" || (type !== undefined && type !== "application/dicom"))
    throw new HttpError(415);
  if (!boundary || start !== undefined) throw new HttpError(400, "The multipart request is not valid.");
  const body = await readBody(request);
  const parts = body.length === 0 ? [] : splitMultipart(body, boundary);
  return parts.map(({ headers, bytes }, index) => {
    const partType = headers["content-type"] ?? (index === 0 ? type : undefined);
    if (partType?.split(";")[0]?.trim() !== "application/dicom") throw new HttpError(415);
    return bytes;
  });
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
