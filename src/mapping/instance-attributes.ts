/** Reduces one instance's DICOM JSON to the few values the resources are made of. Nearly all instances of a study say the same; attribute-pool.ts shares it. */
import type { ErrorCode } from "../errors.ts";
import { type AttributePool, createAttributePool, recall, share } from "./attribute-pool.ts";
import { type Dataset, isRecord, tagNames, texts, uid, unsignedInt } from "./dataset.ts";
import { type InstanceDetails, readDetails } from "./instance-extensions.ts";
import { collectIssues, type IssueKey, type Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";
import { PATIENT_INPUT, type PatientValues, readPatient } from "./read-patient.ts";
import { frameAnatomy, readAcquired, readSeries, type SeriesValues } from "./read-series.ts";
import { readStudy, type Started, type StudyValues } from "./read-study.ts";
import { type RejectionNote, readRejection } from "./rejection.ts";
import { objectKind } from "./sop-classes.ts";
import { type Keyword, tagOf } from "./tags.ts";
import { instanceTitle } from "./title.ts";

export { type AttributePool, createAttributePool };

/** What is kept of one instance. */
export type InstanceAttributes = {
  kind: "instance";
  series: string;
  sop: string;
  sopClass: string | undefined;
  number: number | undefined;
  title: string | undefined;
  details: InstanceDetails;
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

const PATIENT_TAGS = tagNames(PATIENT_INPUT);
const STUDY_INPUT = tagNames([
  "StudyDate",
  "StudyTime",
  "TimezoneOffsetFromUTC",
  "AccessionNumber",
  "IssuerOfAccessionNumberSequence",
  "StudyDescription",
  "RequestedProcedureDescription",
  "RequestedProcedureCodeSequence",
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
]);
const SERIES_INPUT = tagNames([
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
]);

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
  const seriesValues = recall(pool.series, dataset, SERIES_INPUT, frames, () => readSeries(dataset, frames, options));
  const kind = objectKind(sopClass);
  const title = instanceTitle(dataset, kind, note);
  return {
    kind: "instance",
    series: share(pool, series),
    sop,
    sopClass: sopClass === undefined ? undefined : share(pool, sopClass),
    number: unsignedInt(dataset, "InstanceNumber", note),
    title: title === undefined ? undefined : share(pool, title),
    details: readDetails(dataset, kind, options, note),
    offline: isOffline(dataset, note),
    acquired: seriesValues.started === undefined ? readAcquired(dataset, options, note) : undefined,
    rejection: kind === "key-object" ? readRejection(dataset, note) : undefined,
    patient: recall(pool.patients, dataset, PATIENT_TAGS, NO_FRAMES, () => readPatient(dataset, options)),
    study: recall(pool.studies, dataset, STUDY_INPUT, NO_FRAMES, () => readStudy(dataset, options)),
    seriesValues,
    issues: issues(),
  };
}

function rejected(series: string | undefined, sop: string | undefined, keyword: Keyword): RejectedInstance {
  return { kind: "rejected", series, sop, code: "INSTANCE_INVALID", tag: tagOf(keyword) };
}

const NO_FRAMES: readonly Dataset[] = [];

const ONLINE = new Set(["ONLINE", "NEARLINE"]);
const OFFLINE = new Set(["OFFLINE", "UNAVAILABLE"]);

function isOffline(dataset: Dataset, note: Note): boolean {
  const availability = texts(dataset, "InstanceAvailability", note)[0]?.toUpperCase();
  if (availability === undefined || ONLINE.has(availability)) return false;
  if (!OFFLINE.has(availability)) note("InstanceAvailability", "unknown-code");
  return OFFLINE.has(availability);
}
