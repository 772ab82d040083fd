/** Devices, and what is written of people, institutions, places and orders where the site asks for them. A study that is older than what is there changes nothing. */
import type { RowOwnership } from "../ownership.ts";
import { CREATED_ONLY, KEPT, type MappingRow, TAG_ROW } from "./row.ts";

const ID = { tags: [], ownership: CREATED_ONLY, source: "studycast" } as const;
const PRESENT: RowOwnership = {
  kind: "items",
  owner: { by: "presence", members: ["system", "value"] },
  keepWhenAbsent: true,
};
const PRESENT_TYPE = { kind: "items", owner: { by: "presence", members: ["type"] }, keepWhenAbsent: true } as const;

export const SUPPORTING_ROWS: readonly MappingRow[] = [
  {
    target: "Device.id",
    ...ID,
    rule: "version-5 UUID over the Device UID, else the UDI with its serial number, else manufacturer, model and serial number; without one of these there is no Device. The extension `urn:studycast:as-of` keeps date and UID of the study the values are from: an older one overwrites none",
  },
  { target: "Device.meta.tag", ...TAG_ROW },
  {
    target: "Device.identifier",
    tags: [
      "DeviceUID",
      "UniqueDeviceIdentifier",
      "UDISequence",
      "DeviceSerialNumber",
      "DeviceID",
      "PerformedStationAETitle",
    ],
    rule: "Device UID as `urn:dicom:uid`; UDI, serial number (types UDI, SNO); Device ID and AE title by the text of their type",
    ownership: PRESENT,
    source: "PS3.3 C.7.5.1, 10.29.1; FHIR v2-0203",
  },
  {
    target: "Device.udiCarrier",
    tags: ["UniqueDeviceIdentifier", "UDISequence"],
    rule: "The UDI as it is read, with device identifier and issuer where the format is known; R5 has a carrier only then",
    ownership: { kind: "items", owner: { by: "presence", members: ["carrierHRF"] }, keepWhenAbsent: true },
    source: "FHIR Device",
  },
  { target: "Device.status", tags: [], rule: "active", ownership: KEPT, source: "FHIR Device" },
  { target: "Device.manufacturer", tags: ["Manufacturer"], rule: "As it is", ownership: KEPT, source: "PS3.3 C.7.5.1" },
  {
    target: "Device.serialNumber",
    tags: ["DeviceSerialNumber"],
    rule: "As it is",
    ownership: KEPT,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: { r4: "Device.deviceName" },
    slice: "model",
    tags: ["ManufacturerModelName"],
    rule: "Type model-name",
    ownership: PRESENT_TYPE,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: { r5: "Device.modelNumber" },
    tags: ["ManufacturerModelName"],
    rule: "As it is",
    ownership: KEPT,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: { r4: "Device.deviceName", r5: "Device.name" },
    slice: "station",
    tags: ["StationName"],
    rule: "Type user-friendly-name; a name of that type that is there stays",
    ownership: PRESENT_TYPE,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: "Device.type",
    tags: ["Modality"],
    rule: "The modality that acquires (CID 29); of several the first by code",
    ownership: KEPT,
    source: "PS3.16 CID 29",
  },
  {
    target: "Device.version",
    tags: ["SoftwareVersions"],
    rule: "All values",
    ownership: KEPT,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: "Device.owner",
    tags: ["InstitutionName", "InstitutionCodeSequence"],
    rule: "The institution, as among the series' performers",
    ownership: KEPT,
    source: "PS3.3 C.7.5.1",
  },
  ...(["Practitioner", "Organization", "Location", "ServiceRequest"] as const).flatMap(plainRows),
  {
    target: "Practitioner.name",
    tags: ["ReferringPhysicianName", "NameOfPhysiciansReadingStudy", "PerformingPhysicianName", "OperatorsName"],
    rule: "The name as text, use usual; a usual name that is there stays",
    ownership: { kind: "items", owner: { by: "presence", members: ["use"] }, keepWhenAbsent: true },
    source: "PS3.3 10.1",
  },
  {
    target: "Organization.name",
    tags: ["InstitutionName"],
    rule: "As it is",
    ownership: KEPT,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: "Location.name",
    tags: ["InstitutionalDepartmentName", "PerformedLocation"],
    rule: "As the study's location shows it",
    ownership: KEPT,
    source: "PS3.3 C.7.5.1",
  },
  {
    target: "ServiceRequest.status",
    tags: [],
    rule: "completed",
    ownership: CREATED_ONLY,
    source: "FHIR ServiceRequest",
  },
  {
    target: "ServiceRequest.code",
    tags: ["RequestedProcedureCodeSequence", "RequestedProcedureDescription", "RequestAttributesSequence"],
    rule: "What was requested under the accession number: the code, else the description; in R5 as `concept`",
    ownership: KEPT,
    source: "PS3.3 10.6; FHIR ServiceRequest",
  },
  { target: "ServiceRequest.intent", tags: [], rule: "filler-order", ownership: CREATED_ONLY, source: "IHE IMR" },
  {
    target: "ServiceRequest.subject",
    tags: ["PatientID"],
    rule: "As the study's, of the latest study. An order of another patient is not referred to; de-identified data and phantoms have none",
    ownership: KEPT,
    source: "FHIR ServiceRequest",
  },
];

function plainRows(type: "Practitioner" | "Organization" | "Location" | "ServiceRequest"): MappingRow[] {
  return [
    { target: `${type}.id`, ...ID, rule: "version-5 UUID over (system, value) of the identifier" },
    { target: `${type}.meta.tag`, ...TAG_ROW },
    {
      target: `${type}.identifier`,
      tags: type === "ServiceRequest" ? ["AccessionNumber"] : [],
      rule: `The identifier of the reference; written when ${policyName(type)} is \`upsert\` and it has a system`,
      ownership: PRESENT,
      source: "studycast",
    },
  ];
}

/** `ServiceRequest` → `SERVICE_REQUEST_POLICY` */
function policyName(type: string): string {
  return `${type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()}_POLICY`;
}
