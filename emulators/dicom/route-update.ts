import { attributeError } from "./attribute-rules.ts";
import type { Context } from "./context.ts";
import { type Attribute, type Dataset, datasetText } from "./dicom-json.ts";
import { dicomJson, HttpError, reply } from "./http-reply.ts";
import { readBody } from "./route-store.ts";
import { isUid } from "./store-rules.ts";
import { updatableTags } from "./update-tags.ts";

/** `POST studies/$bulkUpdate`, v2 only (contract §4.5). */
export async function bulkUpdate({
  api,
  backend,
  faults,
  operations,
  partition,
  request,
  response,
}: Context): Promise<void> {
  if (api === 1) throw new HttpError(404);
  if (!backend.writer) throw new HttpError(405);
  const body = parseBody((await readBody(request)).toString("utf8"));
  const errors = changeErrors(body.changeDataset);
  if (errors.length > 0) {
    const items = errors.map((sentence) => ({ "00000902": { vr: "LO", Value: [sentence] } }));
    return reply(response, 400, datasetText({ "00741048": { vr: "SQ", Value: items } }), dicomJson);
  }
  if (operations.busy()) throw new HttpError(409, "There is already an active update operation.");
  const operation = operations.start(
    backend.writer,
    partition,
    body.studyInstanceUids,
    body.changeDataset,
    faults.operationMs,
  );
  const href = `http://${request.headers.host}/v${api}/operations/${operation.id}`;
  response.setHeader("Location", href);
  reply(response, 202, JSON.stringify({ id: operation.id, href }), "application/json; charset=utf-8");
}

/** `GET operations/{id}`, never partitioned; success is `succeeded` on v2 and `completed` on v1. */
export function getOperation({ api, operations, params, request, response }: Context): void {
  const operation = operations.get(params["id"] ?? "");
  if (!operation) throw new HttpError(404);
  const done = operation.status === "succeeded";
  if (!done) response.setHeader("Location", `http://${request.headers.host}/v${api}/operations/${operation.id}`);
  const text = JSON.stringify({
    operationId: operation.id,
    type: "update",
    createdTime: operation.created.toISOString(),
    lastUpdatedTime: operation.updated.toISOString(),
    status: done && api === 1 ? "completed" : operation.status,
    percentComplete: done ? 100 : 0,
    results: {
      studyProcessed: operation.processed,
      studyUpdated: operation.updatedStudies,
      studyFailed: 0,
      instanceUpdated: operation.updatedInstances,
      errors: [],
    },
  });
  reply(response, done ? 200 : 202, text, "application/json; charset=utf-8");
}

type UpdateBody = { studyInstanceUids: string[]; changeDataset: Record<string, unknown> };

function parseBody(text: string): UpdateBody {
  let body: Partial<UpdateBody> | undefined;
  try {
    body = JSON.parse(text) as Partial<UpdateBody>;
  } catch {
    throw new HttpError(400, "The request body is not valid JSON.");
  }
  const { studyInstanceUids: studies, changeDataset } = body ?? {};
  if (!Array.isArray(studies) || studies.length < 1 || studies.length > 50)
    throw new HttpError(400, "The field StudyInstanceUids must hold 1 to 50 values.");
  if (!studies.every((study) => typeof study === "string" && isUid(study)))
    throw new HttpError(400, "A study UID is not valid.");
  if (typeof changeDataset !== "object" || changeDataset === null || Array.isArray(changeDataset))
    throw new HttpError(400, "The ChangeDataset field is required.");
  return { studyInstanceUids: [...new Set(studies)], changeDataset };
}

function changeErrors(change: Record<string, unknown>): string[] {
  const allowed = updatableTags();
  return Object.entries(change as Dataset).flatMap(([tag, attribute]: [string, Attribute]) => {
    if (!allowed.has(tag.toUpperCase())) return [`DICOM100: (${tag}) - Updating the tag is not supported.`];
    if (typeof attribute !== "object" || typeof attribute?.vr !== "string")
      return [`DICOM100: (${tag}) - The attribute has no vr.`];
    const error = attributeError(attribute);
    return error ? [`DICOM100: (${tag}) - ${error}.`] : [];
  });
}
