/** DICOM JSON of a study's instances → Patient, ImagingStudy, Endpoint, Device and more (FHIR R4, R5). Pure: no clock, no I/O, no logger; bad data comes back as values. */
export { buildStudy, type StudyResources } from "./build-study.ts";
export { collectionBundle, type MappedDatasets, mapDatasets } from "./collection.ts";
export { endpointKinds, endpointResources } from "./endpoint.ts";
export { createExplainer, type ExplainedElement, type StudyExplanation } from "./explain.ts";
export {
  AS_OF_URL,
  CREATED_TAG,
  DATA_ABSENT_URL,
  endpointId,
  NOT_LISTED_URL,
  ownIdentifier,
  patientId,
  STUDY_UID_SYSTEM,
  type StudyIdentity,
  SUPPORTING_AS_OF_URL,
  studyIdentity,
  studyResourceId,
  TAG_SYSTEM,
} from "./identity.ts";
export { INCLUDES, type Include, isInclude, PROFILES, wantedIncludes } from "./includes.ts";
export { createAttributePool, type InstanceAttributes, instanceAttributes } from "./instance-attributes.ts";
export { forPartition } from "./issuer.ts";
export { ISSUE_CODES, type Issue, type IssueCode } from "./issues.ts";
export { mappingTable, r6Table } from "./mapping-table.ts";
export { MODALITY_TERMS } from "./modalities.ts";
export type { MappingOptions } from "./options.ts";
export type { ItemOwner, Owned, OwnedElement, OwnershipTree } from "./ownership.ts";
export { BIRTH_TIME_URL, PATIENT_EXTENSIONS } from "./patient-extensions.ts";
export { reduceDatasets } from "./reduce-datasets.ts";
export { rewriteReferences } from "./references.ts";
export { type FhirVersion, type MappingRow, targetIn } from "./rows/row.ts";
export { MAPPING_ROWS, MAPPING_VERSION, type Ownership, ownershipOf } from "./rows.ts";
export type { BundleOf, EndpointOf, StudyOfInstances, SupportingResource } from "./shapes.ts";
export { otherSubject, type Subject, unidentifiedSubject } from "./subject.ts";
export { SUPPORTING_TYPES, type SupportingType } from "./supporting.ts";
export { readTags } from "./tags.ts";
