/** Groups of options that several commands need in the same shape. */
import type { PartialConfig } from "../config.ts";
import { wantedIncludes } from "../mapping/index.ts";

/** Types of supporting resources (mapping/supporting.ts) whose policy is `upsert`. */
function upsertedTypes(config: PartialConfig) {
  const policies = {
    Device: config.DEVICE_POLICY,
    Practitioner: config.PRACTITIONER_POLICY,
    Organization: config.ORGANIZATION_POLICY,
    Location: config.LOCATION_POLICY,
    ServiceRequest: config.SERVICE_REQUEST_POLICY,
  };
  const types = ["Device", "Practitioner", "Organization", "Location", "ServiceRequest"] as const;
  return new Set(types.filter((type) => policies[type] === "upsert"));
}

/** What mapping/index.ts calls MappingOptions. */
export function mappingOptions(config: PartialConfig) {
  return {
    fhirVersion: config.FHIR_VERSION === "auto" ? undefined : config.FHIR_VERSION,
    sourceId: config.SOURCE_ID,
    patientIdSystem: config.PATIENT_ID_SYSTEM,
    issuerSystems: config.ISSUER_SYSTEMS,
    accessionSystem: config.ACCESSION_SYSTEM,
    studyIdSystem: config.STUDY_ID_SYSTEM,
    procedureStepIdSystem: config.PROCEDURE_STEP_ID_SYSTEM,
    locationSystem: config.LOCATION_SYSTEM,
    codeSystems: config.CODE_SYSTEMS,
    bodyPartCodes: config.BODY_PART_CODES,
    modalityCodes: config.MODALITY_CODES,
    qidoEndpoint: config.QIDO_ENDPOINT === "yes",
    viewerUrl: config.VIEWER_URL,
    timeZone: config.TIME_ZONE,
    instanceListLimit: config.INSTANCE_LIST_LIMIT,
    patientIdType: config.PATIENT_ID_TYPE,
    include: wantedIncludes([...config.MAPPING_INCLUDE, ...config.PROFILES]),
    retrieveLocationUid: config.RETRIEVE_LOCATION_UID,
    upsert: upsertedTypes(config),
    splitGiven: config.SPLIT_GIVEN === "yes",
  };
}

/**
 * The options that decide which resource stands for whom, stamped beside the state and compared at each start.
 *
 * Without PATIENT_ID_SYSTEM each issuer has a name of its own: one that is added only cures studies that wait for it, and a stamp accepts names
 * that are new. With PATIENT_ID_SYSTEM an added issuer takes patients out of the default system, so any change of the map is one.
 */
export function identityOptions(config: PartialConfig & { readonly DICOM_URL: string }): Record<string, string> {
  const issuers = Object.entries(config.ISSUER_SYSTEMS).sort(([a], [b]) => (a < b ? -1 : 1));
  const map = Object.fromEntries(issuers.map(([issuer, system]) => [`ISSUER_SYSTEMS ${issuer}`, system]));
  return {
    DICOM_URL: config.DICOM_URL,
    PATIENT_ID_SYSTEM: config.PATIENT_ID_SYSTEM ?? "",
    ACCESSION_SYSTEM: config.ACCESSION_SYSTEM ?? "",
    ...(config.PATIENT_ID_SYSTEM === undefined ? map : { ISSUER_SYSTEMS: JSON.stringify(issuers) }),
  };
}

/** What state/index.ts calls StateOptions. */
export function stateOptions(config: PartialConfig) {
  return {
    sourceId: config.SOURCE_ID,
    graceMs: config.GRACE_MS,
    secondLookMs: config.SECOND_LOOK_MS,
    settle: {
      minMs: config.SETTLE_MIN_MS,
      maxMs: config.SETTLE_MAX_MS,
      factor: config.SETTLE_FACTOR,
      burstEndMs: config.BURST_END_MS,
    },
  };
}
