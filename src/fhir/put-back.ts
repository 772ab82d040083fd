/**
 * A creation is conditional on nothing, as servers know no condition for a PUT of an id that is free. Of two processes that create one Patient at the same
 * moment the later one overwrites what the earlier one wrote, and the word of a later study about the person would be lost: it is put back from the
 * server's history, and the next sync goes by it.
 */
import { StudycastError } from "../errors.ts";
import type { FhirClient } from "./client.ts";
import { isRecord, isResource, type Json, recordsOf, sameJson } from "./json.ts";
import type { Found } from "./plan.ts";
import { versionOf, withoutServerMeta, writeOver } from "./plan-merge.ts";
import { isCreatedByUs } from "./plan-patient.ts";
import { whole } from "./search.ts";

/**
 * Puts the version before ours back (FHIR R4 http.html#history). Does nothing where ours is not the latest any more, what was there before is a deletion, was
 * not made by studycast or says the same, or where the server shows no history.
 * @param ours what overwrote, with the version that it became
 * @throws StudycastError as the client, of trouble that passes
 */
export async function putBack(client: FhirClient, ours: Found, signal: AbortSignal): Promise<void> {
  const { resourceType: type, id } = ours;
  try {
    const [latest, before] = recordsOf((await client.search(`${type}/${id}/_history`, "_count=2", signal))["entry"]);
    const current = resourceOf(latest, ours);
    const overwritten = resourceOf(before, ours);
    if (current === undefined || overwritten === undefined || versionOf(current) !== versionOf(ours)) return;
    if (!isCreatedByUs(overwritten) || !isNext(versionOf(overwritten), versionOf(current))) return;
    if (sameJson(withoutServerMeta(overwritten), withoutServerMeta(ours))) return;
    const { resource, ifMatch } = writeOver(current, overwritten);
    await client.put(resource, ifMatch, signal);
  } catch (error) {
    if (!isNoHistory(error)) throw error;
  }
}

/** Of one entry of a history; undefined for a deletion, which Azure shows with an empty resource. */
function resourceOf(entry: Json | undefined, { resourceType, id }: Found): Found | undefined {
  const { resource, request } = entry ?? {};
  if (!isResource(resource) || resource.resourceType !== resourceType || resource.id !== id) return undefined;
  if (isRecord(request) && request["method"] === "DELETE") return undefined;
  return whole({ ...resource, id });
}

/** A history that leaves deletions out shows a gap, where versions are numbers. */
function isNext(before: string | undefined, after: string | undefined): boolean {
  const [one = Number.NaN, two = Number.NaN] = [before, after].map((tag) =>
    Number(/^W\/"(\d+)"$/.exec(tag ?? "")?.[1]),
  );
  return Number.isNaN(one) || Number.isNaN(two) || two === one + 1;
}

const REFUSALS: readonly string[] = ["FHIR_REJECTED", "FHIR_CONFLICT", "FHIR_UNAUTHORIZED", "FHIR_RESPONSE"];

/** The server refuses to show its history, has none (501), or somebody else has written meanwhile. */
function isNoHistory(error: unknown): boolean {
  return error instanceof StudycastError && (REFUSALS.includes(error.code) || error.detail["status"] === 501);
}
