/**
 * Reduces one instance's DICOM JSON to the few values the resources are made of.
 *
 * Nearly all instances of a study say the same about patient, study and series. The pool therefore keeps what was made of equal input, keyed by the
 * input's text: equal values are read once and shared, which is what keeps a study of 100,000 instances small and the mapping fast.
 * Sharing changes nothing in the result: a group's values depend on its input and the options only.
 */

import type { ErrorCode } from "../errors.ts";
import { type Dataset, element, isRecord, jsonText, texts, uid, unsignedInt } from "./dataset.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { PATIENT_INPUT, type PatientValues, readPatient } from "./read-patient.ts";
import { frameAnatomy, readAcquired, readSeries, type SeriesValues } from "./read-series.ts";
import { readStudy, type Started, type StudyValues } from "./read-study.ts";
import { type RejectionNote, readRejection } from "./rejection.ts";
import { objectKind } from "./sop-classes.ts";
import { type Keyword, tagOf } from "./tags.ts";
import { instanceTitle } from "./title.ts";

/** What is kept of one instance. */
export type InstanceAttributes = {
  kind: "instance";
  series: string;
  sop: string;
  sopClass: string | undefined;
  number: number | undefined;
  title: string | undefined;
  /** (0008,0056) says that it cannot be had at once. */
  offline: boolean;
  /** Only where the series has no date of its own. */
  acquired: Started | undefined;
  /** Only of key objects that take instances of their study back. */
  rejection: RejectionNote | undefined;
  patient: PatientValues;
  study: StudyValues;
  seriesValues: SeriesValues;
  issues: readonly IssueKey[];
};

/** An instance that cannot be represented: without a usable UID there is nothing to list it by. */
export type RejectedInstance = {
  kind: "rejected";
  series?: string | undefined;
  sop?: string | undefined;
  code: ErrorCode;
  tag: string;
};

const STUDY_INPUT = [
  "StudyDate",
  "StudyTime",
  "TimezoneOffsetFromUTC",
  "AccessionNumber",
  "IssuerOfAccessionNumberSequence",
  "StudyDescription",
  "RequestedProcedureDescription",
  "ReferringPhysicianName",
  "ReferringPhysicianIdentificationSequence",
  "StudyID",
  "NameOfPhysiciansReadingStudy",
  "PhysiciansReadingStudyIdentificationSequence",
  "AdmissionID",
  "IssuerOfAdmissionIDSequence",
  "ProcedureCodeSequence",
  "RequestAttributesSequence",
  "ReferencedRequestSequence",
  "PlacerOrderNumberImagingServiceRequest",
  "OrderPlacerIdentifierSequence",
  "FillerOrderNumberImagingServiceRequest",
  "OrderFillerIdentifierSequence",
  "ReasonForTheRequestedProcedure",
  "ReasonForRequestedProcedureCodeSequence",
  "ReasonForPerformedProcedureCodeSequence",
  "PerformedProcedureStepID",
  "PerformedProcedureStepDescription",
  "PerformedLocation",
  "InstitutionalDepartmentName",
  "CodingSchemeIdentificationSequence",
] as const satisfies Keyword[];
const SERIES_INPUT = [
  "SeriesNumber",
  "Modality",
  "SeriesDescription",
  "ProtocolName",
  "SeriesDescriptionCodeSequence",
  "AnatomicRegionSequence",
  "BodyPartExamined",
  "Laterality",
  "ImageLaterality",
  "SeriesDate",
  "SeriesTime",
  "TimezoneOffsetFromUTC",
  "PerformedProcedureStepStartDate",
  "PerformedProcedureStepStartTime",
  "PerformingPhysicianName",
  "PerformingPhysicianIdentificationSequence",
  "OperatorsName",
  "OperatorIdentificationSequence",
  "InstitutionName",
  "InstitutionCodeSequence",
  "Manufacturer",
  "ManufacturerModelName",
  "StationName",
  "DeviceSerialNumber",
  "DeviceUID",
  "DeviceID",
  "UniqueDeviceIdentifier",
  "UDISequence",
  "SoftwareVersions",
  "PerformedStationAETitle",
  "SpecimenDescriptionSequence",
  "ContainerIdentifier",
  "IssuerOfTheContainerIdentifierSequence",
  "CodingSchemeIdentificationSequence",
] as const satisfies Keyword[];

/** Equal values of one study's instances, shared. Bound to one set of options. */
export type AttributePool = {
  patients: Map<string, PatientValues>;
  studies: Map<string, StudyValues>;
  series: Map<string, SeriesValues>;
  strings: Map<string, string>;
};

export function createAttributePool(): AttributePool {
  return { patients: new Map(), studies: new Map(), series: new Map(), strings: new Map() };
}

/** Input that differs in every instance is not worth remembering. */
const POOL_LIMIT = 10_000;

/**
 * Reduces one instance. Never throws: a bad value costs that value and leaves an issue; without usable UIDs the instance is rejected.
 * @param dataset one element of a WADO-RS metadata response (DICOM JSON)
 * @param pool shared by the instances of one study and one set of options
 */
export function instanceAttributes(
  dataset: unknown,
  options: MappingOptions,
  pool: AttributePool = createAttributePool(),
): InstanceAttributes | RejectedInstance {
  const { note, issues } = collectIssues();
  if (!isRecord(dataset)) return rejected(undefined, undefined, "SOPInstanceUID");
  const series = uid(dataset, "SeriesInstanceUID", note);
  const sop = uid(dataset, "SOPInstanceUID", note);
  if (series === undefined) return rejected(series, sop, "SeriesInstanceUID");
  if (sop === undefined) return rejected(series, sop, "SOPInstanceUID");

  const sopClass = uid(dataset, "SOPClassUID", note);
  if (sopClass === undefined) note("SOPClassUID", "missing");
  const frames = frameAnatomy(dataset);
  const seriesValues = remember(pool.series, inputText(dataset, SERIES_INPUT, frames), () =>
    readSeries(dataset, frames, options),
  );
  const kind = objectKind(sopClass);
  const title = instanceTitle(dataset, kind, note);
  return {
    kind: "instance",
    series: share(pool, series),
    sop,
    sopClass: sopClass === undefined ? undefined : share(pool, sopClass),
    number: unsignedInt(dataset, "InstanceNumber", note),
    title: title === undefined ? undefined : share(pool, title),
    offline: isOffline(dataset, note),
    acquired: seriesValues.started === undefined ? readAcquired(dataset, options, note) : undefined,
    rejection: kind === "key-object" ? readRejection(dataset, note) : undefined,
    patient: remember(pool.patients, inputText(dataset, PATIENT_INPUT), () => readPatient(dataset, options)),
    study: remember(pool.studies, inputText(dataset, STUDY_INPUT), () => readStudy(dataset, options)),
    seriesValues,
    issues: issues(),
  };
}

function rejected(series: string | undefined, sop: string | undefined, keyword: Keyword): RejectedInstance {
  return { kind: "rejected", series, sop, code: "INSTANCE_INVALID", tag: tagOf(keyword) };
}

function share(pool: AttributePool, value: string): string {
  return remember(pool.strings, value, () => value);
}

function remember<T>(known: Map<string, T>, key: string | undefined, make: () => T): T {
  const found = key === undefined ? undefined : known.get(key);
  if (found !== undefined) return found;
  const made = make();
  if (key !== undefined && known.size < POOL_LIMIT) known.set(key, made);
  return made;
}

/** The elements' content as one text, unambiguous. Undefined for input too deeply nested to be written as text. */
function inputText(dataset: Dataset, keywords: readonly Keyword[], extra?: readonly Dataset[]): string | undefined {
  let key = "";
  for (const keyword of keywords) {
    const found = element(dataset, keyword);
    const value = found?.["Value"];
    const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : undefined;
    if (found === undefined) key += "-";
    else if (value === undefined && found["InlineBinary"] === undefined && found["BulkDataURI"] === undefined)
      key += "e";
    else if (typeof only === "string") key += `${only.length}:${only}`;
    else if (typeof only === "number") key += `#${only};`;
    else {
      const written = jsonText(found);
      if (written === undefined) return undefined;
      key += `j${written.length}:${written}`;
    }
  }
  if (extra === undefined || extra.length === 0) return key;
  const written = jsonText(extra);
  return written === undefined ? undefined : key + written;
}

const ONLINE = new Set(["ONLINE", "NEARLINE"]);
const OFFLINE = new Set(["OFFLINE", "UNAVAILABLE"]);

function isOffline(dataset: Dataset, note: Note): boolean {
  const availability = texts(dataset, "InstanceAvailability", note)[0]?.toUpperCase();
  if (availability === undefined || ONLINE.has(availability)) return false;
  if (!OFFLINE.has(availability)) note("InstanceAvailability", "unknown-code");
  return OFFLINE.has(availability);
}
