/**
 * What a study refers to in FHIR, its Patient first: looked up as soon as the first instance tells it, while the others are still being read, which saves a
 * round trip; and one creation at a time.
 *
 * Of the syncs of this process that would create the same Patient or Device, one does; the others wait for it and go on with what it has written. Without
 * that all but one of them lose the race and read their study twice: studies of one patient, and of one scanner, often arrive together.
 */
import { type FhirClient, type Found, type FoundReferred, lookUpReferred, type Written } from "./fhir/index.ts";
import type { StudyResources } from "./mapping/index.ts";

type Wanted = Pick<StudyResources, "subject" | "supporting">;

/** Creations of Patients and supporting resources by this process, by resource id; shared by its syncs. */
export type Creations = {
  underWay: Map<string, Promise<void>>;
  /** How many have ended so far. */
  count: number;
  /** Of the latest ones: the count at their end. */
  ended: Map<string, number>;
  /** Of some of those: the resource as this process wrote it last. */
  written: Map<string, Found>;
};

/** So many ended creations are remembered: far more than end during one sync. */
const REMEMBERED = 10_000;
/** So many resources, of about 2 kB. */
const REMEMBERED_WHOLE = 500;

export function createCreations(): Creations {
  return { underWay: new Map(), count: 0, ended: new Map(), written: new Map() };
}

export type ReferredDeps = {
  fhir: FhirClient;
  creations: Creations;
  timed<T>(service: "fhir", operation: string, work: () => Promise<T>): Promise<T>;
};

/** `written` undefined: what was written is not known. */
type Done = { kind: string; written?: readonly Written[] };

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
 * Goes on with what the study refers to; `early` counts if it is about the same resources. What it lacked and this process has created since is taken as
 * written: no older than a look-up's answer is when it comes to writing.
 * @param goOn tells what it has written
 * @throws StudycastError as the look-up, and what `goOn` throws
 */
export async function withReferred<T extends Done>(
  wanted: Wanted,
  early: EarlyLookUp | undefined,
  deps: ReferredDeps,
  signal: AbortSignal,
  goOn: (found: FoundReferred) => Promise<T>,
): Promise<T> {
  if (refersToNothing(wanted)) return goOn({ patient: undefined, supporting: new Map() });
  const { creations } = deps;
  const begin = () => ({ begunAt: creations.count, found: lookUp(wanted, deps, signal) });
  let { begunAt, found: answer } = early?.key === keyOf(wanted) ? early : begin();
  for (;;) {
    let found = await answer;
    for (;;) {
      const absent = absentIds(wanted, found);
      const other = absent.map((id) => creations.underWay.get(id)).find((one) => one !== undefined);
      // No await without need: between this look and the creation nobody else may begin one.
      if (other !== undefined) await other;
      const since = absent.filter((id) => (creations.ended.get(id) ?? 0) > begunAt);
      if (other === undefined && since.length === 0) return creating(absent, wanted, creations, goOn(found));
      const known = since.flatMap((id) => creations.written.get(id) ?? []);
      if (known.length < since.length) break;
      found = withWritten(found, known);
    }
    ({ begunAt, found: answer } = begin());
  }
}

function withWritten({ patient, supporting }: FoundReferred, written: readonly Found[]): FoundReferred {
  const person = written.find(({ resourceType }) => resourceType === "Patient");
  const others = written.filter((resource) => resource !== person);
  return {
    patient: person === undefined ? patient : { kind: "found", patient: person },
    supporting: new Map([
      ...supporting,
      ...others.map((resource) => [resource.id, { kind: "found", resource }] as const),
    ]),
  };
}

/** Invariant: a creation that is no longer under way stands among the ended ones, unless nothing was created. */
async function creating<T extends Done>(
  absent: readonly string[],
  wanted: Wanted,
  creations: Creations,
  work: Promise<T>,
): Promise<T> {
  const { underWay, ended } = creations;
  const unknown = idsOf(wanted).map((id) => ({ id, resource: undefined }));
  const noteAll = (written: readonly Written[]) => {
    for (const { id, resource } of written) if (absent.includes(id) || ended.has(id)) note(id, resource, creations);
  };
  const recorded = (async () => {
    try {
      const outcome = await work;
      noteAll(outcome.written ?? unknown);
      return outcome;
    } catch (error) {
      noteAll(unknown);
      throw error;
    } finally {
      for (const id of absent) underWay.delete(id);
    }
  })();
  const settled = recorded.then(
    () => {},
    () => {},
  );
  for (const id of absent) underWay.set(id, settled);
  return recorded;
}

function note(id: string, resource: Found | undefined, creations: Creations): void {
  const { ended, written } = creations;
  ended.delete(id);
  ended.set(id, ++creations.count);
  written.delete(id);
  if (resource !== undefined) written.set(id, resource);
  dropOldest(ended, REMEMBERED);
  dropOldest(written, REMEMBERED_WHOLE);
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const id of map.keys()) {
    if (map.size <= most) return;
    map.delete(id);
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

function idsOf({ subject, supporting }: Wanted): string[] {
  const patients = subject.kind === "patient" ? [String(subject.patient.id)] : [];
  return [...patients, ...supporting.map(({ resource }) => String(resource.id))];
}

function absentIds({ subject }: Wanted, { patient, supporting }: FoundReferred): string[] {
  const patients = subject.kind === "patient" && patient?.kind === "absent" ? [String(subject.patient.id)] : [];
  return [...patients, ...[...supporting].flatMap(([id, found]) => (found.kind === "absent" ? [id] : []))];
}
