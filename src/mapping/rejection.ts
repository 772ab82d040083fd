/**
 * Rejection notes: key objects that take instances of their study back (IHE RAD Imaging Object Change Management, RAD-66; titles in PS3.16 CID 7010).
 *
 * What a note names leaves the study, as if it were deleted; when the note itself is deleted, it comes back. A note of quality reasons stays listed, so
 * that a reader sees that something was taken out. With the other titles the note leaves too: those instances were on the wrong patient or study, are a
 * danger, or had to be deleted, and nothing of them shall be shown. A note that another note names has no effect.
 */
import { type Dataset, items, text, texts } from "./dataset.ts";
import type { Note } from "./issues.ts";

const TITLES: ReadonlyMap<string, { noteStays: boolean }> = new Map([
  ["113001", { noteStays: true }], // Rejected for Quality Reasons
  ["113037", { noteStays: false }], // Rejected for Patient Safety Reasons
  ["113038", { noteStays: false }], // Incorrect Modality Worklist Entry
  ["113039", { noteStays: false }], // Data Retention Policy Expired
]);

export type RejectionNote = { noteStays: boolean; sops: readonly string[] };

/** @param dataset of a key object; what it names stands in its evidence sequences (PS3.3 C.17.6.2) */
export function readRejection(dataset: Dataset, note: Note): RejectionNote | undefined {
  const [concept] = items(dataset, "ConceptNameCodeSequence", note);
  if (concept === undefined || text(concept, "CodingSchemeDesignator", note)?.toUpperCase() !== "DCM") return undefined;
  const title = TITLES.get(text(concept, "CodeValue", note) ?? "");
  if (title === undefined) return undefined;
  const sops: string[] = [];
  for (const evidence of ["CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"] as const)
    for (const study of items(dataset, evidence, note))
      for (const series of items(study, "ReferencedSeriesSequence", note))
        for (const instance of items(series, "ReferencedSOPSequence", note))
          sops.push(...texts(instance, "ReferencedSOPInstanceUID", note));
  if (sops.length === 0) note("CurrentRequestedProcedureEvidenceSequence", "missing");
  return { ...title, sops };
}

type Rejecting = { sop: string; rejection: RejectionNote | undefined };

/** The instances that no note takes out, in their order. `rejected` counts what notes took out, without the notes themselves. */
export function withoutRejected<T extends Rejecting>(
  instances: readonly T[],
): { kept: readonly T[]; rejected: number } {
  const notes = instances.filter(({ rejection }) => rejection !== undefined);
  if (notes.length === 0) return { kept: instances, rejected: 0 };
  const named = new Set(notes.flatMap(({ sop, rejection }) => (rejection?.sops ?? []).filter((one) => one !== sop)));
  const effective = notes.filter(({ sop }) => !named.has(sop));
  const out = new Set(effective.flatMap(({ sop, rejection }) => (rejection?.sops ?? []).filter((one) => one !== sop)));
  const hiddenNotes = new Set(
    effective.filter(({ rejection }) => rejection?.noteStays === false).map(({ sop }) => sop),
  );
  const remaining = instances.filter(({ sop }) => !out.has(sop));
  return {
    kept: remaining.filter(({ sop }) => !hiddenNotes.has(sop)),
    rejected: instances.length - remaining.length,
  };
}
