import type { Note } from "./issues.ts";
import type { Keyword } from "./tags.ts";

/** FHIR's limit for `string` (datatypes page: 1024 × 1024 characters). */
const MAX_LENGTH = 1_048_576;

const ESCAPE = String.fromCharCode(27);
/** ISO 2022: intermediate bytes, then a final one (PS3.5 §6.1.2.5). */
const ESCAPE_SEQUENCE = new RegExp(`${ESCAPE}[ -/]+[0-~]`, "g");

const CONTROL = /[^\P{Cc}\t\r\n]/gu;

/** Taking a character out of one of these could make another one's name of it, so a control character inside is replaced and stays visible. */
const NAMES_SOMETHING: ReadonlySet<Keyword> = new Set<Keyword>([
  "StudyInstanceUID",
  "SeriesInstanceUID",
  "SOPInstanceUID",
  "SOPClassUID",
  "CodingSchemeUID",
  "PatientID",
  "IssuerOfPatientID",
  "AccessionNumber",
  "UniversalEntityID",
  "LocalNamespaceEntityID",
  "CodeValue",
  "LongCodeValue",
  "URNCodeValue",
  "StudyID",
  "AdmissionID",
  "PlacerOrderNumberImagingServiceRequest",
  "FillerOrderNumberImagingServiceRequest",
  "PerformedProcedureStepID",
  "SpecimenIdentifier",
  "SpecimenUID",
  "ContainerIdentifier",
  "DeviceSerialNumber",
  "DeviceUID",
  "UniqueDeviceIdentifier",
]);

/**
 * A text that FHIR's `string` takes: padding (spaces, NUL) and control characters but TAB, CR, LF removed, ISO 2022 escape sequences that a server
 * left in removed, halves of surrogate pairs and non-characters replaced. The last matters for more than looks: a server stores such text otherwise than it was sent,
 * and every comparison with it would find a difference for ever.
 */
export function cleanText(raw: string, keyword: Keyword, note: Note): string {
  if (raw.length > MAX_LENGTH) {
    note(keyword, "too-long");
    return "";
  }
  if (/^[\x20-\x7e]*$/.test(raw)) return raw.trim();
  let text = raw;
  if (text.includes(ESCAPE)) {
    note(keyword, "escape-sequence");
    text = text.replace(ESCAPE_SEQUENCE, "");
  }
  const wellFormed = text.toWellFormed().replace(/\p{Noncharacter_Code_Point}/gu, "\ufffd");
  if (wellFormed !== text) note(keyword, "malformed-text");
  const trimmed = wellFormed.replace(/^[\p{Cc}\s]+|[\p{Cc}\s]+$/gu, "");
  if (!NAMES_SOMETHING.has(keyword)) return trimmed.replace(CONTROL, "");
  const marked = trimmed.replace(CONTROL, "\ufffd");
  if (marked !== trimmed) note(keyword, "malformed-text");
  return marked;
}

/** Compares by code unit, so that the order is the same on every machine (no locale). */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
