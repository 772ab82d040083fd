/** Ids and identifiers we give to resources. All are functions of what the resource stands for, so two workers, or a worker that lost its state, make the same. */
import type { Identifier, Meta } from "fhir/r4";
import { parseStudyId, type StudyId } from "../study.ts";
import { uuidV5 } from "./uuid.ts";

export const TAG_SYSTEM = "urn:studycast:tag";
export const CREATED_TAG = "created";
/** Extension on Patients we made: which study the demographics are from, and a digest of what we wrote. */
export const AS_OF_URL = "urn:studycast:patient-as-of";
/** Extension on supporting resources we made: date and UID of the study their values are from. */
export const SUPPORTING_AS_OF_URL = "urn:studycast:as-of";
/** Extension on a series: how many of its instances are not listed, because the study is above INSTANCE_LIST_LIMIT. */
export const NOT_LISTED_URL = "urn:studycast:instances-not-listed";
export const DATA_ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/** Type of the identifiers made of Study ID (0020,0010); HL7's table 0203 has none for it. */
export const STUDY_ID_TYPE = {
  system: "urn:studycast:identifier-type",
  code: "study-id",
  display: "Study ID",
} as const;
/** Extension that marks the note we write, so that those of others are told from it. */
export const OWN_NOTE_URL = "urn:studycast:note-of";
const URI_SYSTEM = "urn:ietf:rfc:3986";
export const STUDY_UID_SYSTEM = "urn:dicom:uid";

/** The id of a study's ImagingStudy. */
export function studyResourceId(sourceId: string, study: StudyId): string {
  const { partition, studyInstanceUid } = parseStudyId(study);
  return uuidV5("study", sourceId, partition, studyInstanceUid);
}

/** Connection types (FHIR endpoint-connection-type) of the Endpoints a source can have in a partition, in the order in which studies refer to them. */
export const ENDPOINT_KINDS = ["dicom-wado-rs", "dicom-qido-rs", "ihe-iid"] as const;
export type EndpointKind = (typeof ENDPOINT_KINDS)[number];

/** WADO-RS was there before the others: its id has no part for the kind. */
export function endpointId(sourceId: string, partition: string, kind: EndpointKind = "dicom-wado-rs"): string {
  return uuidV5("endpoint", sourceId, partition, ...(kind === "dicom-wado-rs" ? [] : [kind]));
}

/** The id of a patient. Without the source, so that two sources that see one patient meet at one id. */
export function patientId(system: string, value: string): string {
  return uuidV5("patient", system, value);
}

/**
 * The identifier system of an ID that is nobody's number: de-identified or synthetic data. It is one study's own, so such a study is joined neither to the
 * real Patient with the same ID nor to another study.
 * @param scope id of the study's ImagingStudy
 */
export function anonymousSystem(scope: string): string {
  return `urn:uuid:${uuidV5("anonymous", scope)}`;
}

/** Says of an ImagingStudy that it is this source's, whatever its resource id (an adopted one keeps its own). */
export function ownIdentifier(sourceId: string, study: StudyId): Identifier {
  return uuidIdentifier(studyResourceId(sourceId, study));
}

export function uuidIdentifier(uuid: string): Identifier {
  return { system: URI_SYSTEM, value: `urn:uuid:${uuid}` };
}

/** The Study Instance UID as FHIR asks for it (ImagingStudy page, notes). */
export function studyUidIdentifier(studyInstanceUid: string): Identifier {
  return { system: STUDY_UID_SYSTEM, value: `urn:oid:${studyInstanceUid}` };
}

/** Everything that finds a study in a FHIR server. */
export type StudyIdentity = {
  studyResourceId: string;
  ownIdentifier: Identifier;
  studyUid: string;
  /** Of the WADO-RS Endpoint, which every source has. */
  endpointId: string;
  /** Of the Endpoints the study is to refer to, WADO-RS first. */
  endpointIds: readonly string[];
  /** Of all Endpoints that are ours in the partition, whether they are wanted or not: a reference to one of them is ours to take away. */
  ownEndpointIds: readonly string[];
};

/** @param kinds Endpoints that are wanted */
export function studyIdentity(
  sourceId: string,
  study: StudyId,
  kinds: readonly EndpointKind[] = ["dicom-wado-rs"],
): StudyIdentity {
  const { partition, studyInstanceUid } = parseStudyId(study);
  return {
    studyResourceId: studyResourceId(sourceId, study),
    ownIdentifier: ownIdentifier(sourceId, study),
    studyUid: studyInstanceUid,
    endpointId: endpointId(sourceId, partition),
    endpointIds: kinds.map((kind) => endpointId(sourceId, partition, kind)),
    ownEndpointIds: ENDPOINT_KINDS.map((kind) => endpointId(sourceId, partition, kind)),
  };
}

/** `meta` of a resource we create. A fresh object each time, because callers add to it. */
export function createdMeta(): Meta {
  return { tag: [{ system: TAG_SYSTEM, code: CREATED_TAG }] };
}
