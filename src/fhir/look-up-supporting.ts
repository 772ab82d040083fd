/** What the server holds of the resources a study refers to besides its Patient: entries for a batch, and what their answers mean. */
import type { SupportingResource } from "../mapping/index.ts";
import { type BatchEntry, type EntryAnswer, get, readAnswer, searchAnswer } from "./bundle.ts";
import { codeOfStatus, isAbsent } from "./classify.ts";
import type { FhirClient } from "./client.ts";
import type { Found, FoundSupporting, FoundSupportingResource } from "./plan.ts";
import { exactMatches, identifierQuery, whole } from "./search.ts";

/** By id, then by each of its identifiers. */
export function supportingEntries(supporting: readonly SupportingResource[]): BatchEntry[] {
  return supporting.flatMap(({ resource, keys }) => [
    get(`${resource.resourceType}/${resource.id}`),
    ...keys.map((key) => get(`${resource.resourceType}?${identifierQuery(key)}`)),
  ]);
}

/**
 * @param answers those to `supportingEntries`, in their order
 * @throws StudycastError as the client for what may be otherwise at the next try; a server that refuses a type has none of it
 */
export async function foundSupporting(
  client: FhirClient,
  supporting: readonly SupportingResource[],
  answers: readonly EntryAnswer[],
  signal: AbortSignal,
): Promise<FoundSupporting> {
  const found = new Map<string, FoundSupportingResource>();
  let at = 0;
  for (const one of supporting) {
    const own = answers.slice(at, at + 1 + one.keys.length);
    at += own.length;
    found.set(String(one.resource.id), await foundOne(client, one, own, signal));
  }
  return found;
}

async function foundOne(
  client: FhirClient,
  { resource, keys }: SupportingResource,
  [byId, ...byKey]: readonly EntryAnswer[],
  signal: AbortSignal,
): Promise<FoundSupportingResource> {
  if ((!isAbsent(byId?.status ?? 0) && isRefused(byId)) || byKey.some(isRefused)) return { kind: "ambiguous" };
  const type = resource.resourceType;
  const atId = readAnswer(byId, type);
  if (atId !== undefined) return { kind: "found", resource: whole({ ...atId, id: String(resource.id) }) };
  const hits = new Map<string, Found>();
  for (const [index, key] of keys.entries())
    for (const hit of await exactMatches(client, searchAnswer(byKey[index]), type, key, signal)) hits.set(hit.id, hit);
  const [only, ...more] = hits.values();
  if (only === undefined) return { kind: "absent" };
  return more.length > 0 ? { kind: "ambiguous" } : { kind: "found", resource: only };
}

/** The server does not have the type, or not for us. A study does not wait for a resource that only supports it. */
function isRefused(answer: EntryAnswer | undefined): boolean {
  return answer !== undefined && (codeOfStatus(answer.status) === "FHIR_REJECTED" || answer.status === 403);
}
