/** Carries out a plan and checks that what happened is what was planned. */
import { StudycastError } from "../errors.ts";
import type { WriteEntry } from "./bundle.ts";
import { codeOfStatus, errorOfAnswer, isAbsent } from "./classify.ts";
import type { FhirClient } from "./client.ts";
import { isRecord } from "./json.ts";
import type { Found, Plan, Write } from "./plan.ts";
import { versionOf } from "./plan-merge.ts";
import { isCreatedByUs } from "./plan-patient.ts";
import { putBack } from "./put-back.ts";

/** What a server takes in one transaction (Azure: 500 entries). */
export type WriteLimits = { maxEntries?: number; maxBytes?: number };
const DEFAULT_LIMITS = { maxEntries: 500, maxBytes: 20_000_000 };

/** `lost-race`: somebody else wrote between look-up and write and the server did not refuse; the study must be synced again. */
export type Outcome = Done | { kind: "lost-race" };
type Done = { kind: "done"; writes: number; bytes: number };
const NOTHING: Done = { kind: "done", writes: 0, bytes: 0 };

/**
 * @throws StudycastError FHIR_CONFLICT when the server refuses because of a newer version or a race, else as the client; a plan that waits throws its code
 */
export async function carryOut(
  client: FhirClient,
  plan: Plan,
  limits: WriteLimits,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (plan.kind) {
    case "unchanged":
      return NOTHING;
    case "waiting":
      throw new StudycastError(plan.code);
    case "write":
      return transact(client, plan.writes, limits, signal);
    case "remove":
      return remove(client, plan, limits, signal);
  }
}

async function transact(
  client: FhirClient,
  writes: readonly Write[],
  limits: WriteLimits,
  signal: AbortSignal,
): Promise<Outcome> {
  const { maxEntries, maxBytes } = { ...DEFAULT_LIMITS, ...limits };
  if (writes.length > maxEntries) throw new StudycastError("FHIR_REJECTED", { entries: writes.length });
  const conditional = writes.some(({ ifMatch }) => ifMatch !== undefined);
  const { answers, bytes } = await client.transaction(writes.map(entryOf), maxBytes, signal).catch((error: unknown) => {
    throw conditional ? goneIsConflict(error) : error;
  });
  for (const [index, answer] of answers.entries()) {
    if (codeOfStatus(answer.status) === undefined) continue;
    const error = errorOfAnswer(answer);
    throw writes[index]?.ifMatch === undefined ? error : goneIsConflict(error);
  }
  const asExpected = answers.every(({ status }, index) => (status === 201) === (writes[index]?.expect === "created"));
  if (!asExpected) {
    for (const [index, { expect, resource }] of writes.entries()) {
      // A study is read anew after a lost race; what others said of a person or a device stands nowhere else.
      const overwrote =
        expect === "created" && answers[index]?.status === 200 && resource.resourceType !== "ImagingStudy";
      const ours = versioned(resource, answers[index]?.versionId);
      if (overwrote && ours !== undefined) await putBack(client, ours, signal);
    }
    return { kind: "lost-race" };
  }
  return { kind: "done", writes: writes.length, bytes };
}

function versioned(resource: Found, versionId: string | undefined): Found | undefined {
  if (versionId === undefined) return undefined;
  const meta = isRecord(resource["meta"]) ? resource["meta"] : {};
  return { ...resource, meta: { ...meta, versionId } };
}

/** Azure answers a PUT with ifMatch whose resource is gone with 404: what was looked up is old, as with a 412; it is no fault of the study. */
function goneIsConflict(error: unknown): unknown {
  const gone =
    error instanceof StudycastError && error.code === "FHIR_REJECTED" && isAbsent(Number(error.detail["status"]));
  return gone ? new StudycastError("FHIR_CONFLICT", error.detail) : error;
}

function entryOf({ resource, ifMatch }: Write): WriteEntry {
  const url = `${resource.resourceType}/${resource.id}`;
  return { resource, request: { method: "PUT", url, ...(ifMatch === undefined ? {} : { ifMatch }) } };
}

/**
 * Deletes outside a transaction: servers ignore ifMatch on DELETE, so it is read right before (still ours, still the version planned on?) and checked
 * after. Refused because others refer to it → marked instead.
 */
async function remove(
  client: FhirClient,
  plan: Extract<Plan, { kind: "remove" }>,
  limits: WriteLimits,
  signal: AbortSignal,
): Promise<Outcome> {
  const before = await read(client, plan.id, signal);
  if (before === undefined) return NOTHING;
  if (!isCreatedByUs(before) || versionOf(before) !== plan.mark.ifMatch) return { kind: "lost-race" };
  try {
    await client.delete("ImagingStudy", plan.id, signal);
  } catch (error) {
    if (!(error instanceof StudycastError) || error.code !== "FHIR_CONFLICT") throw error;
    const still = await read(client, plan.id, signal);
    if (still === undefined || versionOf(still) !== plan.mark.ifMatch) throw error;
    if (still["status"] === plan.mark.resource["status"]) return NOTHING;
    return transact(client, [plan.mark], limits, signal);
  }
  const after = await read(client, plan.id, signal);
  return after === undefined ? { ...NOTHING, writes: 1 } : { kind: "lost-race" };
}

async function read(client: FhirClient, id: string, signal: AbortSignal): Promise<Found | undefined> {
  const resource = await client.read("ImagingStudy", id, signal);
  return resource === undefined ? undefined : { ...resource, id };
}
