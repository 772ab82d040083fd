/**
 * The mapping as data: one row per FHIR element (or per kind of item of a shared list). docs/mapping.md is printed from it, ownership is derived from
 * it, and a test fails when an element is written that has no row. Adding an element begins here.
 */
import { NOT_LISTED_URL, STUDY_UID_SYSTEM, TAG_SYSTEM } from "./identity.ts";
import { type OwnershipTree, ownershipTree, type RowOwnership } from "./ownership.ts";
import { REPRESENTATION_URL } from "./person-name.ts";
import { IDENTIFIER_TYPE } from "./read-study.ts";
import { type Keyword, tagOf } from "./tags.ts";

/** Raise it when the same input gives other resources: stamped with the state, so that a new version syncs everything again. */
export const MAPPING_VERSION = 1;

export type MappingRow = {
  /** Element path. */
  target: string;
  /** Which items of a list the row is about. */
  slice?: string;
  /** DICOM attributes read, most important first. */
  tags: readonly Keyword[];
  rule: string;
  ownership: RowOwnership;
  /** Where the rule is from; `R4` is the FHIR page's own mapping to DICOM. */
  source: string;
};

const WHOLE: RowOwnership = { kind: "whole" };
/** Of a Patient: an empty DICOM value erases nothing. */
const KEPT: RowOwnership = { kind: "whole", keepWhenAbsent: true };
const CREATED_ONLY: RowOwnership = { kind: "identity" };
const PRESENT_IDENTIFIER: RowOwnership = {
  kind: "items",
  owner: { by: "presence", members: ["system", "value"] },
};
const TAG_ROW = {
  tags: [],
  rule: `code \`created\` in \`${TAG_SYSTEM}\` on resources we created`,
  ownership: CREATED_ONLY,
  source: "studycast",
} as const;

export const MAPPING_ROWS: readonly MappingRow[] = [
  {
    target: "Patient.id",
    tags: ["PatientID"],
    rule: "version-5 UUID over (system, value); the same for all sources",
    ownership: CREATED_ONLY,
    source: "studycast",
  },
  { target: "Patient.meta.tag", ...TAG_ROW },
  {
    target: "Patient.identifier",
    tags: [
      "PatientID",
      "IssuerOfPatientIDQualifiersSequence",
      "UniversalEntityID",
      "UniversalEntityIDType",
      "IssuerOfPatientID",
      "IdentifierTypeCode",
      "AssigningFacilitySequence",
    ],
    rule: "The first value is the patient's ID, further ones are further identifiers. System: universal ID by its type, ISSUER_SYSTEMS, an issuer that is itself a URI or OID, PATIENT_ID_SYSTEM. Type by the identifier type code, else MR. The issuer's text becomes the assigner when it gave no system",
    ownership: { kind: "items", owner: { by: "presence", members: ["system", "value"] }, keepWhenAbsent: true },
    source: "PS3.3 C.7.1.1, 10.15; FHIR v2-0203",
  },
  {
    target: "Patient.name",
    tags: ["PatientName"],
    rule: "One name per component group, marked ABC, IDE or SYL; text always; components are not cut unless asked for. An empty name writes nothing",
    ownership: { kind: "items", owner: { by: "extension", url: REPRESENTATION_URL }, keepWhenAbsent: true },
    source: "PS3.5 §6.2.1; iso21090-EN-representation",
  },
  {
    target: "Patient.gender",
    tags: ["PatientSex"],
    rule: "M, F, O and their words; U is unknown; anything else is left out",
    ownership: KEPT,
    source: "PS3.3 C.7.1.1; R4",
  },
  {
    target: "Patient.birthDate",
    tags: ["PatientBirthDate"],
    rule: "A date of the calendar with the precision it has; zeros and ranges are left out",
    ownership: KEPT,
    source: "PS3.5 §6.2; R4",
  },
  {
    target: "ImagingStudy.id",
    tags: [],
    rule: "version-5 UUID over source, partition and Study Instance UID",
    ownership: CREATED_ONLY,
    source: "studycast",
  },
  { target: "ImagingStudy.meta.tag", ...TAG_ROW },
  {
    target: "ImagingStudy.identifier",
    slice: "Study Instance UID",
    tags: [],
    rule: "`urn:oid:` + UID, exactly one; the UID of the study that was read",
    ownership: { kind: "items", owner: { by: "system", system: STUDY_UID_SYSTEM } },
    source: "R4",
  },
  {
    target: "ImagingStudy.identifier",
    slice: "own",
    tags: [],
    rule: "`urn:uuid:` + the UUID of `id`, also on a resource that others made",
    ownership: PRESENT_IDENTIFIER,
    source: "studycast",
  },
  {
    target: "ImagingStudy.identifier",
    slice: "accession",
    tags: [
      "AccessionNumber",
      "IssuerOfAccessionNumberSequence",
      "LocalNamespaceEntityID",
      "UniversalEntityID",
      "UniversalEntityIDType",
    ],
    rule: "Type ACSN; every accession number of the study once. System: issuer as for Patient IDs, else ACCESSION_SYSTEM, else none",
    ownership: { kind: "items", owner: { by: "type-code", system: IDENTIFIER_TYPE, code: "ACSN" } },
    source: "PS3.3 C.7.2.1; R4",
  },
  {
    target: "ImagingStudy.status",
    tags: ["InstanceAvailability"],
    rule: "available; registered when every instance is OFFLINE or UNAVAILABLE",
    ownership: WHOLE,
    source: "PS3.3 C.4.23.1.1; R4",
  },
  {
    target: "ImagingStudy.modality",
    tags: ["Modality"],
    rule: "The series' modalities that acquire (CID 29); all of them if there is none of these",
    ownership: WHOLE,
    source: "PS3.16 CID 29; R4",
  },
  {
    target: "ImagingStudy.subject",
    tags: ["PatientID", "PatientName"],
    rule: "The Patient of (system, value), with the identifier and the name as display; without a Patient ID a display with data-absent-reason. Instances that disagree: the most frequent patient",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.started",
    tags: ["StudyDate", "StudyTime", "TimezoneOffsetFromUTC"],
    rule: "With the offset attribute, else the offset of TIME_ZONE at that time; the date alone when no zone, no minutes or no such local time. The precision is never raised",
    ownership: WHOLE,
    source: "PS3.3 C.12.1.1.8; R4",
  },
  {
    target: "ImagingStudy.basedOn",
    slice: "accession",
    tags: ["AccessionNumber", "IssuerOfAccessionNumberSequence"],
    rule: "A logical reference to a ServiceRequest by each accession identifier",
    ownership: { kind: "items", owner: { by: "identifier-type-code", system: IDENTIFIER_TYPE, code: "ACSN" } },
    source: "R4, R5 mapping",
  },
  {
    target: "ImagingStudy.referrer",
    tags: ["ReferringPhysicianName", "ReferringPhysicianIdentificationSequence", "PersonIdentificationCodeSequence"],
    rule: "A logical reference: name as display, the person's code as identifier where there is one; its scheme becomes a system through its UID or ISSUER_SYSTEMS only",
    ownership: WHOLE,
    source: "PS3.3 C.7.2.1, 10.1; R4",
  },
  {
    target: "ImagingStudy.endpoint",
    tags: [],
    rule: "The WADO-RS endpoint of the source and partition",
    ownership: { kind: "items", owner: { by: "presence", members: ["reference"] } },
    source: "R4",
  },
  {
    target: "ImagingStudy.numberOfSeries",
    tags: [],
    rule: "Counted: what was read",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.numberOfInstances",
    tags: [],
    rule: "Counted: what was read",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.description",
    tags: ["StudyDescription", "RequestedProcedureDescription"],
    rule: "The most frequent one",
    ownership: WHOLE,
    source: "PS3.3 C.7.2.1; R4",
  },
  {
    target: "ImagingStudy.series",
    tags: ["SeriesInstanceUID"],
    rule: "One per Series Instance UID, ordered by number, then UID",
    ownership: { kind: "list", key: "uid" },
    source: "R4",
  },
  {
    target: "ImagingStudy.series.uid",
    tags: ["SeriesInstanceUID"],
    rule: "Padding removed; not a UID or longer than 64 characters: the instance is rejected, the rest of the study stands",
    ownership: WHOLE,
    source: "PS3.5 §9; R4",
  },
  {
    target: "ImagingStudy.series.extension",
    slice: "instances not listed",
    tags: [],
    rule: `\`${NOT_LISTED_URL}\`, unsignedInt: how many plain images are counted but not listed, in studies of more than INSTANCE_LIST_LIMIT instances`,
    ownership: { kind: "items", owner: { by: "url", url: NOT_LISTED_URL } },
    source: "studycast",
  },
  {
    target: "ImagingStudy.series.number",
    tags: ["SeriesNumber"],
    rule: "A whole number from 0 to 2147483647, else left out; never made up",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.series.modality",
    tags: ["Modality", "SOPClassUID"],
    rule: "Upper case, code of DCM; a term that DCM lacks is display only; absent: implied by the SOP class, else data-absent-reason",
    ownership: WHOLE,
    source: "PS3.16 CID 33; R4",
  },
  {
    target: "ImagingStudy.series.description",
    tags: ["SeriesDescription", "ProtocolName", "SeriesDescriptionCodeSequence"],
    rule: "The first of these that has a value",
    ownership: WHOLE,
    source: "PS3.3 C.7.3.1; R4",
  },
  {
    target: "ImagingStudy.series.numberOfInstances",
    tags: [],
    rule: "Counted: what was read",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.series.bodySite",
    tags: ["AnatomicRegionSequence", "FrameAnatomySequence", "BodyPartExamined"],
    rule: "The coded region (SNOMED CT, or SNOMED RT translated), else the frames' region, else Body Part Examined by Annex L or an alias, else display only",
    ownership: WHOLE,
    source: "PS3.16 Annex L; R4",
  },
  {
    target: "ImagingStudy.series.laterality",
    tags: ["Laterality", "ImageLaterality", "FrameLaterality"],
    rule: "Series, else image, else frames; left and right in one series is both",
    ownership: WHOLE,
    source: "PS3.16 CID 244; R4",
  },
  {
    target: "ImagingStudy.series.started",
    tags: [
      "SeriesDate",
      "SeriesTime",
      "PerformedProcedureStepStartDate",
      "AcquisitionDateTime",
      "AcquisitionDate",
      "TimezoneOffsetFromUTC",
    ],
    rule: "As the study's; without a series date the earliest acquisition, else the start of the performed procedure step",
    ownership: WHOLE,
    source: "PS3.3 C.7.3.1; R4",
  },
  {
    target: "ImagingStudy.series.instance",
    tags: ["SOPInstanceUID"],
    rule: "One per SOP Instance UID, ordered by number, then UID; above INSTANCE_LIST_LIMIT no plain images",
    ownership: { kind: "list", key: "uid" },
    source: "R4",
  },
  {
    target: "ImagingStudy.series.instance.uid",
    tags: ["SOPInstanceUID"],
    rule: "As the series' UID",
    ownership: WHOLE,
    source: "PS3.5 §9; R4",
  },
  {
    target: "ImagingStudy.series.instance.sopClass",
    tags: ["SOPClassUID"],
    rule: "`urn:oid:` + UID in `urn:ietf:rfc:3986`, the class's name as display; absent: data-absent-reason",
    ownership: WHOLE,
    source: "PS3.4 B.5; R4",
  },
  {
    target: "ImagingStudy.series.instance.number",
    tags: ["InstanceNumber"],
    rule: "As the series' number",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "ImagingStudy.series.instance.title",
    tags: ["ConceptNameCodeSequence", "DocumentTitle", "ContentLabel", "ContentDescription", "ImageType"],
    rule: "Reports and key objects: concept name; documents: title; presentation states, segmentations and other objects: label and description; images: image type",
    ownership: WHOLE,
    source: "R4",
  },
  {
    target: "Endpoint.id",
    tags: [],
    rule: "version-5 UUID over source and partition",
    ownership: CREATED_ONLY,
    source: "studycast",
  },
  { target: "Endpoint.meta.tag", ...TAG_ROW },
  {
    target: "Endpoint.identifier",
    tags: [],
    rule: "`urn:uuid:` + the UUID of `id`",
    ownership: PRESENT_IDENTIFIER,
    source: "studycast",
  },
  { target: "Endpoint.status", tags: [], rule: "active", ownership: WHOLE, source: "R4" },
  { target: "Endpoint.connectionType", tags: [], rule: "dicom-wado-rs", ownership: WHOLE, source: "R4" },
  {
    target: "Endpoint.payloadType",
    tags: [],
    rule: "codings `none` (IHE MADO) and DCM 113014 Study (IHE IMR)",
    ownership: WHOLE,
    source: "IHE MADO, IMR",
  },
  {
    target: "Endpoint.payloadMimeType",
    tags: [],
    rule: "application/dicom, application/dicom+json",
    ownership: WHOLE,
    source: "PS3.18 §8.7",
  },
  {
    target: "Endpoint.address",
    tags: [],
    rule: "The DICOMweb base URL to publish, without trailing slash and without `/studies`",
    ownership: WHOLE,
    source: "FHIR ImagingStudy notes",
  },
];

export const OWNERSHIP: { readonly [type in "Patient" | "ImagingStudy" | "Endpoint"]: OwnershipTree } = {
  Patient: ownershipTree("Patient", MAPPING_ROWS),
  ImagingStudy: ownershipTree("ImagingStudy", MAPPING_ROWS),
  Endpoint: ownershipTree("Endpoint", MAPPING_ROWS),
};

/** The rows as a Markdown table, for docs/mapping.md. */
export function mappingTable(): string {
  const lines = MAPPING_ROWS.map((row) => {
    const tags = row.tags.map((keyword) => `(${tagOf(keyword).slice(0, 4)},${tagOf(keyword).slice(4)}) ${keyword}`);
    const element = row.slice === undefined ? `\`${row.target}\`` : `\`${row.target}\` (${row.slice})`;
    return `| ${element} | ${tags.join(", ") || "–"} | ${row.rule} | ${ownershipText(row.ownership)} | ${row.source} |`;
  });
  return ["| FHIR R4 | DICOM | Rule | Ours | Source |", "| --- | --- | --- | --- | --- |", ...lines, ""].join("\n");
}

function ownershipText(ownership: RowOwnership): string {
  switch (ownership.kind) {
    case "identity":
      return "when created";
    case "list":
      return `membership, by ${ownership.key}`;
    case "whole":
      return "keepWhenAbsent" in ownership ? "whole; never emptied" : "whole";
    case "items":
      return ownership.owner.by === "presence"
        ? "added when missing, never removed"
        : `items by ${ownerText(ownership.owner)}`;
  }
}

function ownerText(owner: Exclude<Extract<RowOwnership, { kind: "items" }>["owner"], { by: "presence" }>): string {
  switch (owner.by) {
    case "system":
      return `system \`${owner.system}\``;
    case "type-code":
      return `type ${owner.code}`;
    case "identifier-type-code":
      return `identifier type ${owner.code}`;
    case "url":
      return "url";
    case "extension":
      return "extension";
  }
}
