/** The Endpoints of a (source, partition). Their ids are our own, so whatever stands there is ours to keep right. */
import { StudycastError } from "../errors.ts";
import type { EndpointOf, Ownership } from "../mapping/index.ts";
import type { FhirClient } from "./client.ts";
import type { Json } from "./json.ts";
import type { FoundStudy, Write } from "./plan.ts";
import { updateOf } from "./plan-merge.ts";

/**
 * Writes each Endpoint that is absent or differs in what is ours; they must be there before a study refers to them.
 * @throws StudycastError FHIR_CONFLICT when another worker came first (look up again), else as the client
 */
export async function ensureEndpoints(
  client: FhirClient,
  { endpoints, ownership }: { endpoints: readonly EndpointOf[]; ownership: Ownership },
  { endpoints: found }: Pick<FoundStudy, "endpoints">,
  signal: AbortSignal,
): Promise<void> {
  for (const endpoint of endpoints) {
    const wanted: Json = { ...endpoint };
    const there = found.find(({ id }) => id === endpoint.id);
    const write: Write | undefined = there
      ? updateOf(there, wanted, ownership.Endpoint)
      : { resource: { ...wanted, resourceType: "Endpoint", id: String(endpoint.id) }, expect: "created" };
    if (write !== undefined) await client.put(write.resource, write.ifMatch, signal);
  }
}

export async function endpointExists(client: FhirClient, id: string, signal: AbortSignal): Promise<boolean> {
  return (await client.read("Endpoint", id, signal)) !== undefined;
}

/** Whether the server answers and lets us in, asked in the cheapest way: one read by id. */
export async function probe(client: FhirClient, endpointId: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.read("Endpoint", endpointId, signal);
    return true;
  } catch (error) {
    if (!(error instanceof StudycastError)) throw error;
    return error.code === "FHIR_REJECTED" || error.code === "FHIR_CONFLICT";
  }
}
