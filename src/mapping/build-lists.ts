/** The list elements of a study and a series: unions over what their instances say (rule A.7), equal ones once, with an end. */
import type { CodeableConcept, Identifier, Reference } from "fhir/r4";
import type { Count } from "./build-series.ts";
import { distinctConcepts } from "./codes.ts";
import { identifierTypeOf } from "./identifier-type.ts";
import type { PerformerModel, SeriesModel, StudyModel } from "./model.ts";
import { deviceReference, type EquipmentValues } from "./read-equipment.ts";
import { mergeIdentifiers } from "./read-orders.ts";
import { distinctReferences } from "./read-people.ts";
import { distinctPerformers, performerFunction } from "./read-performers.ts";
import type { SeriesValues } from "./read-series.ts";
import type { StudyValues } from "./read-study.ts";
import { requestedByAccession } from "./requested-procedures.ts";
import type { Keyword } from "./tags.ts";
import { compareText } from "./text.ts";
import { capped, union } from "./union.ts";

/** More than any real study has of anything listed here; the rest would be an error of the source. */
const MAX_ITEMS = 32;

export type StudyLists = Pick<
  StudyModel,
  "accessions" | "basedOn" | "partOf" | "interpreter" | "procedure" | "reason"
> & { studyIds: readonly string[]; requested: ReadonlyMap<string, CodeableConcept> };

/** @param all what the study's instances say of it; equal values may be in it more than once */
export function studyLists(all: Iterable<StudyValues>, count: Count): StudyLists {
  const values = [...new Set(all)];
  const limited = <T>(keyword: Keyword, items: T[]) =>
    capped(items, MAX_ITEMS, (surplus) => count(keyword, "too-many-values", surplus));
  const concepts = (keyword: Keyword, pick: (one: StudyValues) => readonly CodeableConcept[]) =>
    limited(keyword, union(values.map(pick), distinctConcepts));
  const references = (keyword: Keyword, pick: (one: StudyValues) => readonly Reference[]) =>
    limited(keyword, union(values.map(pick), distinctReferences));

  const accessions = limited("AccessionNumber", sortedIdentifiers(values.flatMap((one) => one.accessions)));
  const numbers = limited(
    "PlacerOrderNumberImagingServiceRequest",
    sortedIdentifiers(values.flatMap((one) => one.orderNumbers)),
  );
  return {
    accessions,
    basedOn: [...accessions, ...numbers].map(orderReference),
    partOf: references("PerformedProcedureStepID", (one) => listOf(one.performedProcedure)),
    interpreter: references("NameOfPhysiciansReadingStudy", (one) => one.interpreters),
    procedure: concepts("ProcedureCodeSequence", (one) => one.procedureCodes),
    reason: concepts("ReasonForTheRequestedProcedure", (one) => one.reasons),
    requested: requestedByAccession(
      values.map((one) => one.requested),
      count,
    ),
    studyIds: [...new Set(values.flatMap((one) => listOf(one.studyId)))].sort().slice(0, MAX_ITEMS),
  };
}

/** @param all what the series' instances say of it; equal values may be in it more than once */
export function seriesLists(all: Iterable<SeriesValues>, count: Count): Pick<SeriesModel, "specimen" | "performer"> {
  const values = [...new Set(all)];
  const limited = <T>(keyword: Keyword, items: T[]) =>
    capped(items, MAX_ITEMS, (surplus) => count(keyword, "too-many-values", surplus));
  return {
    specimen: limited(
      "SpecimenDescriptionSequence",
      union(
        values.map((one) => one.specimens),
        distinctReferences,
      ),
    ),
    performer: limited(
      "OperatorsName",
      union(
        values.map((one) => [...one.performers, ...devicePerformers(one.equipment)]),
        distinctPerformers,
      ),
    ),
  };
}

function devicePerformers(equipment: EquipmentValues): PerformerModel[] {
  return listOf(deviceReference(equipment)).map((actor) => ({ function: performerFunction("DEV"), actor }));
}

function listOf<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

/** Once each, by type, value and system; of equal ones the smaller by text, so that the order of the instances does not matter. */
function sortedIdentifiers(identifiers: readonly Identifier[]): Identifier[] {
  const key = (one: Identifier) =>
    JSON.stringify([identifierTypeOf(one), one.value, one.system, one.assigner?.display]);
  return mergeIdentifiers(identifiers.toSorted((a, b) => compareText(key(a), key(b))));
}

/** The order by its number: a logical reference, which FHIR resolves by identifier. */
function orderReference(identifier: Identifier): Reference {
  return { type: "ServiceRequest", identifier };
}
