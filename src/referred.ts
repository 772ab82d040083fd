/**
 * What a study refers to in FHIR, its Patient first: looked up as soon as the first instance tells it, while the others are still being read, which saves a
 * round trip; and one creation at a time.
 *
 * Of the syncs of this process that would create the same Patient or Device, one does; the others wait for it and look again. Without that all but one of
 * them lose the race and read their study twice: studies of one patient, and of one scanner, often arrive together.
 */
import { type FhirClient, type FoundReferred, lookUpReferred } from "./fhir/index.ts";
import type { StudyResources } from "./mapping/index.ts";

type Wanted = Pick<StudyResources, "subject" | "supporting">;

/** Creations of Patients and supporting resources by this process, by resource id; shared by its syncs. */
export type Creations = {
  underWay: Map<string, Promise<void>>;
  /** How many have ended so far. */
  count: number;
  /** Of the latest ones: the count at their end. */
  ended: Map<string, number>;
};

/** So many ended creations are remembered: far more than end during one sync. */
const REMEMBERED = 10_000;

export function createCreations(): Creations {
  return { underWay: new Map(), count: 0, ended: new Map() };
}

export type ReferredDeps = {
  fhir: FhirClient;
  creations: Creations;
  timed<T>(service: "fhir", operation: string, work: () => Promise<T>): Promise<T>;
};

/** A look-up that has begun before all of the study was known. */
export type EarlyLookUp = {
  /** What is looked up. */
  key: string;
  /** The count of creations when it began. */
  begunAt: number;
  found: Promise<FoundReferred>;
};

/** Notes a look-up that has just begun for these resources, made of the study's first instance. A failure is told to whoever needs the result. */
export function earlyLookUp(wanted: Wanted, creations: Creations, found: Promise<FoundReferred>): EarlyLookUp {
  found.catch(() => {});
  return { key: keyOf(wanted), begunAt: creations.count, found };
}

/**
 * Goes on with what the study refers to; `early` counts if it is about the same resources, and none of those it lacked has been created since.
 * @throws StudycastError as the look-up, and what `goOn` throws
 */
export async function withReferred<T>(
  wanted: Wanted,
  early: EarlyLookUp | undefined,
  deps: ReferredDeps,
  signal: AbortSignal,
  goOn: (found: FoundReferred) => Promise<T>,
): Promise<T> {
  if (refersToNothing(wanted)) return goOn({ patient: undefined, supporting: new Map() });
  const { underWay, ended } = deps.creations;
  let begun = early?.key === keyOf(wanted) ? early : undefined;
  for (;;) {
    const found = await (begun?.found ?? lookUp(wanted, deps, signal));
    const absent = absentIds(wanted, found);
    const begunAt = begun?.begunAt ?? Number.POSITIVE_INFINITY;
    begun = undefined;
    const other = absent.map((id) => underWay.get(id)).find((one) => one !== undefined);
    if (other !== undefined) await other;
    else if (!absent.some((id) => (ended.get(id) ?? 0) > begunAt)) return creating(absent, deps.creations, goOn(found));
  }
}

async function creating<T>(ids: readonly string[], creations: Creations, work: Promise<T>): Promise<T> {
  const { underWay, ended } = creations;
  const settled = work.then(
    () => {},
    () => {},
  );
  for (const id of ids) underWay.set(id, settled);
  try {
    return await work;
  } finally {
    for (const id of ids) {
      underWay.delete(id);
      ended.delete(id);
      ended.set(id, ++creations.count);
    }
    for (const id of ended.keys()) {
      if (ended.size <= REMEMBERED) break;
      ended.delete(id);
    }
  }
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

function absentIds({ subject }: Wanted, { patient, supporting }: FoundReferred): string[] {
  const patients = subject.kind === "patient" && patient?.kind === "absent" ? [String(subject.patient.id)] : [];
  return [...patients, ...[...supporting].flatMap(([id, found]) => (found.kind === "absent" ? [id] : []))];
}
