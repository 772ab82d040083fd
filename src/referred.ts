/**
 * What a study refers to in FHIR, its Patient first: looked up as soon as the first instance tells it, while the others are still being read, which saves a
 * round trip; and only while no other sync may be creating it.
 */
import { type Claim, CreatedElsewhere, type Creations, noteFound, noteRefused } from "./creations.ts";
import { type FhirClient, type FoundReferred, lookUpReferred, type WritePolicy } from "./fhir/index.ts";
import type { StudyResources } from "./mapping/index.ts";

type Wanted = Pick<StudyResources, "subject" | "supporting">;

export type ReferredDeps = {
  fhir: FhirClient;
  creations: Creations;
  /** What is never created need not be waited for. */
  policy: WritePolicy;
  timed<T>(service: "fhir", operation: string, work: () => Promise<T>): Promise<T>;
};

/** A look-up that has begun before all of the study was known. */
export type EarlyLookUp = {
  /** What is looked up. */
  key: string;
  found: Promise<FoundReferred>;
};

/**
 * Looks up what these resources, made of the study's first instance, refer to. Claimed before is what may be created, until it is found or the claim ends.
 * @param lookUp begins the look-up; a failure is told to whoever needs the result
 * @throws CreatedElsewhere, with which no look-up has begun; StudycastError of service redis
 */
export async function lookUpEarly<T>(
  wanted: Wanted,
  claim: Claim,
  { creations, policy }: Pick<ReferredDeps, "creations" | "policy">,
  lookUp: () => { referred: Promise<FoundReferred>; study: T },
): Promise<{ early: EarlyLookUp; study: T }> {
  const ids = mayCreate(wanted, policy);
  await claim.take(ids);
  const { referred, study } = lookUp();
  const freed = async () => {
    const absent = noted(wanted, await referred, { creations, policy });
    await claim.end(ids.filter((id) => !absent.includes(id)));
  };
  freed().catch(() => {});
  return { early: { key: keyOf(wanted), found: referred }, study };
}

/**
 * What the study refers to, as FHIR has it; `early` counts if it is about the same resources. What is absent is claimed.
 * @throws CreatedElsewhere when others may be creating some of it; StudycastError as the look-up, or of service redis
 */
export async function lookUpClaimed(
  wanted: Wanted,
  early: EarlyLookUp | undefined,
  claim: Claim,
  deps: ReferredDeps,
  signal: AbortSignal,
): Promise<FoundReferred> {
  if (refersToNothing(wanted)) return { patient: undefined, supporting: new Map() };
  const isTheSame = early !== undefined && early.key === keyOf(wanted);
  if (!isTheSame) await claim.take(mayCreate(wanted, deps.policy));
  const found = await (isTheSame ? early.found : lookUp(wanted, deps, signal));
  // One that was known and has been deleted since is claimed the next time.
  if (!claim.covers(noted(wanted, found, deps))) throw new CreatedElsewhere(0);
  return found;
}

function lookUp(wanted: Wanted, { fhir, timed }: ReferredDeps, signal: AbortSignal): Promise<FoundReferred> {
  return timed("fhir", "look-up-patient", () => lookUpReferred(fhir, wanted, signal));
}

function refersToNothing({ subject, supporting }: Wanted): boolean {
  return subject.kind !== "patient" && supporting.length === 0;
}

function keyOf({ subject, supporting }: Wanted): string {
  const patient = subject.kind === "patient" ? [subject.patient.id, subject.identifier] : [];
  return JSON.stringify([patient, supporting.map(({ resource, keys }) => [resource.resourceType, resource.id, keys])]);
}

/** After the study was written: what it refers to is there now, but for what FHIR has refused. */
export function noteWritten(
  wanted: Wanted,
  { isRefused }: { isRefused: boolean },
  { creations, policy }: Pick<ReferredDeps, "creations" | "policy">,
): void {
  const all = mayCreate(wanted, policy);
  const written = isRefused ? mayCreate(wanted, { ...policy, supportingPolicy: "refer" }) : all;
  noteFound(written, [], creations);
  noteRefused(all, creations);
}

/** What of the study's own ids may be created. */
function mayCreate({ subject, supporting }: Wanted, { patientPolicy, supportingPolicy }: WritePolicy): string[] {
  const patients = subject.kind === "patient" && patientPolicy !== "link" ? [String(subject.patient.id)] : [];
  return supportingPolicy === "refer"
    ? patients
    : [...patients, ...supporting.map(({ resource }) => String(resource.id))];
}

/** The ids of what may be created and is absent; the others are noted as found. */
function noted(
  wanted: Wanted,
  { patient, supporting }: FoundReferred,
  { creations, policy }: Pick<ReferredDeps, "creations" | "policy">,
): string[] {
  const patientId = wanted.subject.kind === "patient" ? String(wanted.subject.patient.id) : undefined;
  const ids = mayCreate(wanted, policy);
  const absent = ids.filter((id) => (id === patientId ? patient : supporting.get(id))?.kind === "absent");
  noteFound(ids, absent, creations);
  return absent;
}
