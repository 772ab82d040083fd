import type { CodeableConcept, Identifier } from "fhir/r4";

/** HL7 v2 table 0203, identifier types. */
export const IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203";

/** The codes of it that are used for other things than patients, with HL7's displays. */
const TYPES = {
  ACSN: "Accession ID",
  FILL: "Filler Identifier",
  PLAC: "Placer Identifier",
  SNO: "Serial Number",
  UDI: "Universal Device Identifier",
  VN: "Visit number",
} as const;

export type IdentifierTypeCode = keyof typeof TYPES;

export function identifierType(code: IdentifierTypeCode): CodeableConcept {
  return { coding: [{ system: IDENTIFIER_TYPE, code, display: TYPES[code] }] };
}

export function identifierTypeOf(identifier: Identifier): string | undefined {
  return identifier.type?.coding?.[0]?.code;
}
