/**
 * Rejection notes: key objects that take instances of their study back (IHE RAD Imaging Object Change Management, RAD-66; titles in PS3.16 CID 7010).
 *
 * What a note names leaves the study, as if it were deleted; when the note itself is deleted, it comes back. A note of quality reasons stays listed, so
 * that a reader sees that something was taken out. With the other titles the note leaves too: those instances were on the wrong patient or study, are a
 * danger, or had to be deleted, and nothing of them shall be shown. A note that a note in effect names has no effect, nor have notes that name each
 * other. An instance is named by study, series and instance: copies of it under the same SOP Instance UID elsewhere stay.
 */
import { type Dataset, items, text, uid } from "./dataset.ts";
import type { Note } from "./issues.ts";

const TITLES: ReadonlyMap<string, { noteStays: boolean }> = new Map([
  ["113001", { noteStays: true }], // Rejected for Quality Reasons
  ["113037", { noteStays: false }], // Rejected for Patient Safety Reasons
  ["113038", { noteStays: false }], // Incorrect Modality Worklist Entry
  ["113039", { noteStays: false }], // Data Retention Policy Expired
]);

/** `names`: instances of the note's own study, by {@link nameOf}. */
export type RejectionNote = { noteStays: boolean; names: readonly string[] };

function nameOf(series: string | undefined, sop: string): string {
  return `${series ?? ""} ${sop}`;
}

/** @param dataset of a key object; what it names stands in its evidence sequences (PS3.3 C.17.6.2) */
export function readRejection(dataset: Dataset, note: Note): RejectionNote | undefined {
  const [concept] = items(dataset, "ConceptNameCodeSequence", note);
  if (concept === undefined || text(concept, "CodingSchemeDesignator", note)?.toUpperCase() !== "DCM") return undefined;
  const title = TITLES.get(text(concept, "CodeValue", note) ?? "");
  if (title === undefined) return undefined;
  const own = uid(dataset, "StudyInstanceUID", note);
  const names: string[] = [];
  let studies = 0;
  for (const evidence of ["CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"] as const)
    for (const item of items(dataset, evidence, note)) {
      studies++;
      const study = uid(item, "StudyInstanceUID", note);
      if (study !== undefined && own !== undefined && study !== own) note(evidence, "other-study");
      else for (const name of namesIn(item, note)) names.push(name);
    }
  if (studies === 0) note("CurrentRequestedProcedureEvidenceSequence", "missing");
  return { ...title, names };
}

function namesIn(study: Dataset, note: Note): string[] {
  return items(study, "ReferencedSeriesSequence", note).flatMap((item) => {
    const series = uid(item, "SeriesInstanceUID", note);
    const sops = items(item, "ReferencedSOPSequence", note).map((one) => uid(one, "ReferencedSOPInstanceUID", note));
    return sops.flatMap((sop) => (sop === undefined ? [] : [nameOf(series, sop)]));
  });
}

type Rejecting = { series: string; sop: string; rejection: RejectionNote | undefined };

/** The instances that no note takes out, in their order. `rejected` counts what notes took out, without the notes themselves. */
export function withoutRejected<T extends Rejecting>(
  instances: readonly T[],
): { kept: readonly T[]; rejected: number } {
  const notes = instances.filter(({ rejection }) => rejection !== undefined);
  if (notes.length === 0) return { kept: instances, rejected: 0 };
  const effective = inEffect(notes);
  const byName = namedBy(instances);
  const out = new Set(effective.flatMap((note) => namesOf(note).flatMap(byName)));
  for (const note of effective) out.delete(note);
  const hidden = new Set(effective.filter(({ rejection }) => rejection?.noteStays === false));
  return { kept: instances.filter((one) => !out.has(one) && !hidden.has(one)), rejected: out.size };
}

function namesOf({ rejection }: Rejecting): readonly string[] {
  return rejection?.names ?? [];
}

/** Which instances a name means: those of its series, or, where the note does not say the series, all with that UID. */
function namedBy<T extends Rejecting>(instances: readonly T[]): (name: string) => readonly T[] {
  const byName = new Map<string, T[]>();
  for (const one of instances)
    for (const name of [nameOf(one.series, one.sop), nameOf(undefined, one.sop)]) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [one]);
      else known.push(one);
    }
  return (name) => byName.get(name) ?? [];
}

/** A note is judged when all that name it have been; those that name each other never are. */
function inEffect<T extends Rejecting>(notes: readonly T[]): T[] {
  const byName = namedBy(notes);
  const targets = new Map(
    notes.map((note) => [
      note,
      new Set(
        namesOf(note)
          .flatMap(byName)
          .filter((one) => one !== note),
      ),
    ]),
  );
  const unjudged = new Map<T, number>();
  for (const named of targets.values()) for (const one of named) unjudged.set(one, (unjudged.get(one) ?? 0) + 1);
  const rejected = new Set<T>();
  const effective: T[] = [];
  const ready = notes.filter((note) => !unjudged.has(note));
  for (const note of ready) {
    const isInEffect = !rejected.has(note);
    if (isInEffect) effective.push(note);
    for (const one of targets.get(note) ?? []) {
      if (isInEffect) rejected.add(one);
      const left = (unjudged.get(one) ?? 0) - 1;
      unjudged.set(one, left);
      if (left === 0) ready.push(one);
    }
  }
  return effective;
}
