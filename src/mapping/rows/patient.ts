import { REPRESENTATION_URL } from "../person-name.ts";
import { CREATED_ONLY, KEPT, type MappingRow, TAG_ROW } from "./row.ts";

export const PATIENT_ROWS: readonly MappingRow[] = [
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
];
