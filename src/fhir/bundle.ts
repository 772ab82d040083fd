/** Bundles as we send them, and their answers, one for each entry (FHIR R4 http.html#transaction). Pure. */
import { StudycastError } from "../errors.ts";
import { codeOfStatus, errorOfAnswer, isAbsent } from "./classify.ts";
import { isRecord, isResource, type Json, type Resource, recordsOf, textOf } from "./json.ts";

export type BatchEntry = { request: { method: "GET"; url: string } };
export type WriteEntry = {
  fullUrl?: string;
  resource: Resource;
  request: { method: "PUT"; url: string; ifMatch?: string };
};
export type BundleEntry = BatchEntry | WriteEntry;

/** The answer to one entry. */
export type EntryAnswer = {
  status: number;
  /** Of the resource as it was written, where the server tells it. */
  versionId: string | undefined;
  resource: Resource | undefined;
  outcome: unknown;
  retryAfterMs: number | undefined;
};

/** A read in a batch; `path` is relative to the base and URL-encoded already. */
export function get(path: string): BatchEntry {
  return { request: { method: "GET", url: path } };
}

/**
 * The answers of a bundle, in the order of its entries.
 * @throws StudycastError FHIR_RESPONSE unless there is exactly one answer with a status for each entry: an answer that cannot be told apart proves nothing.
 */
export function entryAnswers(body: unknown, expected: number, retryAfterMs?: number): EntryAnswer[] {
  if (!isRecord(body) || body["resourceType"] !== "Bundle") throw new StudycastError("FHIR_RESPONSE");
  const entries = Array.isArray(body["entry"]) ? body["entry"] : [];
  if (entries.length !== expected) throw new StudycastError("FHIR_RESPONSE", { entries: entries.length, expected });
  return entries.map((entry) => answerOf(entry, retryAfterMs));
}

function answerOf(entry: unknown, retryAfterMs: number | undefined): EntryAnswer {
  const response = isRecord(entry) && isRecord(entry["response"]) ? entry["response"] : {};
  const status = Number(/^\s*(\d{3})\b/.exec(String(response["status"] ?? ""))?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new StudycastError("FHIR_RESPONSE", { reason: "entry without status" });
  const resource = isRecord(entry) && isResource(entry["resource"]) ? entry["resource"] : undefined;
  // Some servers put the OperationOutcome of a failed entry where its resource would be.
  // HAPI leaves out what RFC 9110 puts around it.
  const versionId = /^(?:W\/)?"?([A-Za-z0-9\-.]{1,64})"?$/.exec(String(response["etag"] ?? ""))?.[1];
  return { status, versionId, resource, outcome: response["outcome"] ?? resource, retryAfterMs };
}

/** What a read in a batch found; undefined when it is not there. */
export function readAnswer(answer: EntryAnswer | undefined, type: string): Resource | undefined {
  const { status, resource } = known(answer);
  if (isAbsent(status)) return undefined;
  if (codeOfStatus(status) !== undefined) throw errorOfAnswer(known(answer));
  if (resource?.resourceType !== type) throw new StudycastError("FHIR_RESPONSE", { reason: "entry without resource" });
  return resource;
}

/** The searchset that a search in a batch found. */
export function searchAnswer(answer: EntryAnswer | undefined): Json {
  const { status, resource } = known(answer);
  if (codeOfStatus(status) !== undefined) throw errorOfAnswer(known(answer));
  if (resource?.resourceType !== "Bundle")
    throw new StudycastError("FHIR_RESPONSE", { reason: "entry without bundle" });
  return resource;
}

function known(answer: EntryAnswer | undefined): EntryAnswer {
  if (answer === undefined) throw new StudycastError("FHIR_RESPONSE");
  return answer;
}

/** The matches of a type on one page; included resources and the server's remarks (search mode `outcome`) are not matches. */
export function matchesOf(bundle: unknown, type: string): (Resource & { id: string })[] {
  if (!isRecord(bundle) || bundle["resourceType"] !== "Bundle") throw new StudycastError("FHIR_RESPONSE");
  const found: (Resource & { id: string })[] = [];
  for (const entry of recordsOf(bundle["entry"])) {
    const mode = isRecord(entry["search"]) ? textOf(entry["search"]["mode"]) : undefined;
    const { resource } = entry;
    if ((mode ?? "match") !== "match" || !isResource(resource) || resource.resourceType !== type) continue;
    if (resource.id !== undefined) found.push({ ...resource, id: resource.id });
  }
  return found;
}

export function nextLink(bundle: unknown): string | undefined {
  const links = isRecord(bundle) ? recordsOf(bundle["link"]) : [];
  return textOf(links.find((link) => link["relation"] === "next")?.["url"]);
}
