/**
 * A creation is conditional on nothing, as servers know no condition for a PUT of an id that is free. Of two processes that create one Patient at the same
 * moment the later one overwrites what the earlier one wrote, and the word of a later study about the person would be lost: it is put back from the
 * server's history, and the next sync goes by it.
 */
import { StudycastError } from "../errors.ts";
import { matchesOf } from "./bundle.ts";
import type { FhirClient } from "./client.ts";
import { sameJson } from "./json.ts";
import type { Found } from "./plan.ts";
import { versionOf, withoutServerMeta, writeOver } from "./plan-merge.ts";

/**
 * Puts the version before ours back (FHIR R4 http.html#history). Does nothing where ours is not the latest any more, says the same, or the server keeps no history.
 * @param ours what overwrote, with the version that it became
 * @throws StudycastError as the client
 */
export async function putBack(client: FhirClient, ours: Found, signal: AbortSignal): Promise<void> {
  const { resourceType: type, id } = ours;
  try {
    const history = await client.search(`${type}/${id}/_history`, "_count=2", signal);
    const [latest, before] = matchesOf(history, type);
    if (latest === undefined || before === undefined || versionOf(latest) !== versionOf(ours)) return;
    if (sameJson(withoutServerMeta(before), withoutServerMeta(ours))) return;
    const { resource, ifMatch } = writeOver(latest, before);
    await client.put(resource, ifMatch, signal);
  } catch (error) {
    const isRefused =
      error instanceof StudycastError && (error.code === "FHIR_REJECTED" || error.code === "FHIR_CONFLICT");
    if (!isRefused) throw error;
  }
}
