/**
 * The orders, visit, procedure and reasons an instance names (PS3.3 C.7.2.1, C.7.3.1, 10.6; SR documents: C.17.2). What was ordered stands at the top of
 * a dataset, in the items of (0040,0275) Request Attributes and, in reports and key objects, of (0040,A370) Referenced Request.
 */
import type { CodeableConcept, Identifier, Reference } from "fhir/r4";
import { type CodeContext, distinctConcepts, readCodes } from "./codes.ts";
import { type Dataset, items, text, texts } from "./dataset.ts";
import { type IdentifierTypeCode, identifierType, identifierTypeOf } from "./identifier-type.ts";
import { issuerSystem, readIssuer } from "./issuer.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import type { Keyword } from "./tags.ts";

/** The items that describe requests. More of them than this in one dataset is an error of the source. */
const MAX_REQUESTS = 32;

export function readRequests(dataset: Dataset, note: Note): readonly Dataset[] {
  const attributes = items(dataset, "RequestAttributesSequence", note);
  const referenced = items(dataset, "ReferencedRequestSequence", note);
  if (attributes.length + referenced.length > MAX_REQUESTS) note("RequestAttributesSequence", "too-many-values");
  return [...attributes, ...referenced].slice(0, MAX_REQUESTS);
}

/** An identifier whose system its own issuer gives: `default` is what the configuration says of the rest. */
function issued(
  item: Dataset,
  type: IdentifierTypeCode,
  [valueKeyword, issuerKeyword]: readonly [Keyword, Keyword],
  fallback: string | undefined,
  options: MappingOptions,
  note: Note,
): Identifier[] {
  const found = texts(item, valueKeyword, note);
  if (found.length === 0) return [];
  const [issuerItem] = items(item, issuerKeyword, note);
  const issuer = readIssuer(issuerItem, note);
  const system = issuerSystem(issuer, options.issuerSystems) ?? (fallback || undefined);
  const assigner = system === undefined ? (issuer.local ?? issuer.universal) : undefined;
  return found.map((value) => ({
    type: identifierType(type),
    ...(system === undefined ? {} : { system }),
    value,
    ...(assigner === undefined ? {} : { assigner: { display: assigner } }),
  }));
}

/** Accession numbers (ACSN) of the dataset and its requests. */
export function readAccessions(
  dataset: Dataset,
  requests: readonly Dataset[],
  options: MappingOptions,
  note: Note,
): Identifier[] {
  const keywords = ["AccessionNumber", "IssuerOfAccessionNumberSequence"] as const;
  const read = (item: Dataset) => issued(item, "ACSN", keywords, options.accessionSystem, options, note);
  return mergeIdentifiers([dataset, ...requests].flatMap(read));
}

/** Placer (PLAC) and filler (FILL) order numbers of the dataset and its requests. */
export function readOrderNumbers(
  dataset: Dataset,
  requests: readonly Dataset[],
  options: MappingOptions,
  note: Note,
): Identifier[] {
  const placer = ["PlacerOrderNumberImagingServiceRequest", "OrderPlacerIdentifierSequence"] as const;
  const filler = ["FillerOrderNumberImagingServiceRequest", "OrderFillerIdentifierSequence"] as const;
  const read = (item: Dataset) => [
    ...issued(item, "PLAC", placer, undefined, options, note),
    ...issued(item, "FILL", filler, undefined, options, note),
  ];
  return mergeIdentifiers([dataset, ...requests].flatMap(read));
}

/**
 * Equal identifiers once. One without a system is left out beside one of the same type and value that has a system: a request often repeats the number
 * of the study without its issuer. The same value under two systems stays two.
 */
export function mergeIdentifiers(identifiers: readonly Identifier[]): Identifier[] {
  const withSystem = new Set(
    identifiers.flatMap((one) =>
      one.system === undefined ? [] : [JSON.stringify([identifierTypeOf(one), one.value])],
    ),
  );
  const merged = new Map<string, Identifier>();
  for (const one of identifiers) {
    if (one.system === undefined && withSystem.has(JSON.stringify([identifierTypeOf(one), one.value]))) continue;
    const key = JSON.stringify([identifierTypeOf(one), one.value, one.system]);
    if (!merged.has(key)) merged.set(key, one);
  }
  return [...merged.values()];
}

/** The visit by its number (VN), a logical reference. */
export function readEncounter(dataset: Dataset, options: MappingOptions, note: Note): Reference | undefined {
  const keywords = ["AdmissionID", "IssuerOfAdmissionIDSequence"] as const;
  const [identifier, ...more] = issued(dataset, "VN", keywords, undefined, options, note);
  if (more.length > 0) note("AdmissionID", "multiple-values");
  return identifier && { type: "Encounter", identifier };
}

/**
 * The performed procedure step by its id: only with a configured system, because DICOM gives these ids no issuer and numbers them anew in each
 * department.
 */
export function readPerformedProcedure(dataset: Dataset, options: MappingOptions, note: Note): Reference | undefined {
  const system = options.procedureStepIdSystem || undefined;
  const value = system && text(dataset, "PerformedProcedureStepID", note);
  if (system === undefined || value === undefined) return undefined;
  const display = text(dataset, "PerformedProcedureStepDescription", note);
  return {
    type: "Procedure",
    identifier: { system, value },
    ...(display === undefined ? {} : { display }),
  };
}

/** Where the procedure was performed: the department, else the location of the step; an identifier only with a configured system. */
export function readLocation(dataset: Dataset, options: MappingOptions, note: Note): Reference | undefined {
  const department = text(dataset, "InstitutionalDepartmentName", note);
  const step = text(dataset, "PerformedLocation", note);
  const display = department ?? step;
  if (display === undefined) return undefined;
  const system = options.locationSystem || undefined;
  return {
    type: "Location",
    ...(system === undefined || step === undefined ? {} : { identifier: { system, value: step } }),
    display,
  };
}

/** Codes and texts of why the procedure was requested or performed, of the dataset and its requests. */
export function readReasons(
  dataset: Dataset,
  requests: readonly Dataset[],
  codes: CodeContext,
  note: Note,
): CodeableConcept[] {
  const reasons = [dataset, ...requests].flatMap((item): CodeableConcept[] => [
    ...readCodes(item, "ReasonForRequestedProcedureCodeSequence", codes, note),
    ...readCodes(item, "ReasonForPerformedProcedureCodeSequence", codes, note),
    ...texts(item, "ReasonForTheRequestedProcedure", note).map((reason) => ({ text: reason })),
  ]);
  return distinctConcepts(reasons);
}
