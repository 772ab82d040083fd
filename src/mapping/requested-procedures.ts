/** What was requested under an accession number (PS3.3 10.6, C.4.12): the code of an order that is written as a resource. */
import type { CodeableConcept } from "fhir/r4";
import type { Count } from "./build-series.ts";
import { type CodeContext, distinctConcepts, readCodes } from "./codes.ts";
import { type Dataset, text, texts } from "./dataset.ts";
import type { Note } from "./issues.ts";
import { union } from "./union.ts";

/** A request's accession number and what it asked for. */
export type RequestedProcedure = { accession: string; code: CodeableConcept };

/**
 * Of the dataset and its requests, those that state both. A request often leaves out the number of the study: the only one of a dataset is then that
 * number's, among several nothing tells.
 */
export function readRequestedProcedures(
  dataset: Dataset,
  requests: readonly Dataset[],
  codes: CodeContext,
  note: Note,
): RequestedProcedure[] {
  const numbersOf = (item: Dataset) => texts(item, "AccessionNumber", () => {});
  const own = numbersOf(dataset);
  return [dataset, ...requests].flatMap((item) => {
    const said = text(item, "RequestedProcedureDescription", note);
    const [coded] = readCodes(item, "RequestedProcedureCodeSequence", codes, note);
    const code = coded ?? (said === undefined ? undefined : { text: said });
    if (code === undefined) return [];
    const numbers = numbersOf(item);
    const meant = numbers.length === 0 && requests.length === 1 && own.length === 1 ? own : numbers;
    return meant.map((accession) => ({ accession, code }));
  });
}

/** Accession number → what was requested; of several for one number the first in the order of their texts, codes before texts. */
export function requestedByAccession(
  lists: readonly (readonly RequestedProcedure[])[],
  count: Count,
): ReadonlyMap<string, CodeableConcept> {
  const byAccession = new Map<string, CodeableConcept[][]>();
  for (const { accession, code } of lists.flat()) {
    const codes = byAccession.get(accession);
    if (codes === undefined) byAccession.set(accession, [[code]]);
    else codes.push([code]);
  }
  const requested = new Map<string, CodeableConcept>();
  for (const [accession, codes] of byAccession) {
    const [first, ...others] = union(codes, (all) => distinctConcepts([...all].sort(codedFirst)));
    if (first !== undefined) requested.set(accession, first);
    if (others.length > 0) count("RequestedProcedureCodeSequence", "conflict", others.length);
  }
  return requested;
}

function codedFirst(a: CodeableConcept, b: CodeableConcept): number {
  return Number(a.coding === undefined) - Number(b.coding === undefined);
}
