/** The parts of a UDI that R5's udiCarrier demands (FHIR R5 device.html; FDA "UDI formats by FDA-accredited issuing agency"). */

import type { FhirVersion } from "./rows/row.ts";

export type Udi = { deviceIdentifier: string; issuer: string };

/** R4 and R5 spell HIBCC's naming system differently. */
const FORMATS: readonly { pattern: RegExp; issuer: string; issuerR4?: string }[] = [
  { pattern: /^\(01\)(\d{14})/, issuer: "http://hl7.org/fhir/NamingSystem/gs1-di" },
  { pattern: /^01(\d{14})(?=(11|17|10|21)|$)/, issuer: "http://hl7.org/fhir/NamingSystem/gs1-di" },
  {
    pattern: /^\+([A-Z0-9]{6,23})(?=\/|$)/,
    issuer: "http://hl7.org/fhir/NamingSystem/hibcc-diI",
    issuerR4: "http://hl7.org/fhir/NamingSystem/hibcc-dI",
  },
  { pattern: /^=\/([A-Z0-9]{16})/, issuer: "http://hl7.org/fhir/NamingSystem/iccbba-other-di" },
];

/** Undefined for a text that no issuing agency's format fits. */
export function parseUdi(udi: string, version: FhirVersion): Udi | undefined {
  for (const { pattern, issuer, issuerR4 = issuer } of FORMATS) {
    const deviceIdentifier = pattern.exec(udi)?.[1];
    if (deviceIdentifier !== undefined) return { deviceIdentifier, issuer: version === "R4" ? issuerR4 : issuer };
  }
  return undefined;
}
