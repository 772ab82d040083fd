/** Whose number a Patient ID is (PS3.3 C.7.1.1, tables 10-17 and 10-18), and the patient's other numbers. */
import type { Identifier } from "fhir/r4";
import { type Dataset, items, text, texts } from "./dataset.ts";
import { IDENTIFIER_TYPE } from "./identifier-type.ts";
import { type Issuer, issuerSystem, readIssuer } from "./issuer.ts";
import type { Note } from "./issues.ts";
import type { MappingOptions } from "./options.ts";

/**
 * Who an instance says its patient is. `unknown-issuer`: an ID, but no system for it; matching on the bare value would guess. `anonymous`: an ID that is
 * nobody's number (de-identified or synthetic data). `device`: a phantom or another quality control object.
 */
export type PatientIdentity =
  | { kind: "none" }
  | { kind: "unknown-issuer"; value: string; issuer: string }
  | { kind: "anonymous"; value: string }
  | { kind: "device"; value: string | undefined; system: string | undefined }
  | {
      kind: "known";
      system: string;
      value: string;
      others: readonly string[];
      type: string;
      assigner: string | undefined;
    };

/** Types of persons' identifiers in HL7 table 0203 (CodeSystem v2-0203). */
const PERSON_TYPES = new Set(
  (
    "AN ANON ANT BCT BR BRN CZ DL DP DR HC IND JHN LR MA MB MC MCN MI MR MRT NH NI NII NIIP PCN PE PEN PHC PI PN PNT " +
    "PPN PRC PT RI RR RRI SB SN SR SS TAX TN TPR U VN VS WC XV"
  ).split(" "),
);
/** `NNxxx`: national person identifier of the country xxx (ISO 3166, alphabetic). HL7's code system has the pattern only, not a code for each country. */
const NATIONAL = /^NN[A-Z]{3}$/;
const DEFAULT_TYPE = "MR";
const MAX_OTHERS = 32;

/** The first value of (0010,0020) is the patient's; further ones become further identifiers. */
export function readIdentity(
  dataset: Dataset,
  options: MappingOptions,
  note: Note,
): Extract<PatientIdentity, { kind: "none" | "unknown-issuer" | "known" }> {
  const [value, ...others] = texts(dataset, "PatientID", note);
  if (value === undefined) {
    note("PatientID", "missing");
    return { kind: "none" };
  }
  if (others.length > 0) note("PatientID", "multiple-values");
  const { issuer, qualifiers } = readPatientIssuer(dataset, note);
  const found = issuerSystem(issuer, options.issuerSystems);
  const system = found ?? (options.patientIdSystem || undefined);
  const named = issuer.local ?? issuer.universal;
  if (system === undefined) return { kind: "unknown-issuer", value, issuer: named ?? "" };
  if (found === undefined && named !== undefined)
    note(issuer.local === undefined ? "IssuerOfPatientIDQualifiersSequence" : "IssuerOfPatientID", "issuer-unmapped");
  return {
    kind: "known",
    system,
    value,
    others: [...new Set(others)].filter((other) => other !== value).sort(),
    type: typeCode(qualifiers, note) ?? (options.patientIdType || DEFAULT_TYPE),
    assigner: found === undefined ? (named ?? facility(qualifiers, note)) : facility(qualifiers, note),
  };
}

/** The issuer of the (0010,0020) beside it, at the top of a dataset or in an item of Other Patient IDs. */
function readPatientIssuer(dataset: Dataset, note: Note): { issuer: Issuer; qualifiers: Dataset | undefined } {
  const [qualifiers] = items(dataset, "IssuerOfPatientIDQualifiersSequence", note);
  const item = readIssuer(qualifiers, note);
  const local = text(dataset, "IssuerOfPatientID", note) ?? item.local;
  return { issuer: { ...item, local }, qualifiers };
}

function typeCode(qualifiers: Dataset | undefined, note: Note): string | undefined {
  const type = qualifiers && text(qualifiers, "IdentifierTypeCode", note)?.toUpperCase();
  if (type === undefined || PERSON_TYPES.has(type) || NATIONAL.test(type)) return type;
  note("IdentifierTypeCode", "unknown-code");
  return undefined;
}

/** (0040,0036) Assigning Facility: shown only, never used to match. */
function facility(qualifiers: Dataset | undefined, note: Note): string | undefined {
  const [item] = qualifiers === undefined ? [] : items(qualifiers, "AssigningFacilitySequence", note);
  return readIssuer(item, note).local;
}

/**
 * Other Patient IDs: each with the system of its own issuer, or without one, because the default system is that of (0010,0020) alone. They are marked
 * `secondary`: what finds a Patient is its first identifier.
 */
export function readOtherIdentifiers(dataset: Dataset, options: MappingOptions, note: Note): Identifier[] {
  const found = new Map<string, Identifier>();
  const values = new Set(texts(dataset, "PatientID", () => {}));
  const add = (identifier: Identifier) =>
    found.set(JSON.stringify([identifier.system, identifier.value]), { use: "secondary", ...identifier });
  for (const item of items(dataset, "OtherPatientIDsSequence", note)) {
    const value = text(item, "PatientID", note);
    if (value === undefined) continue;
    const { issuer, qualifiers } = readPatientIssuer(item, note);
    const system = issuerSystem(issuer, options.issuerSystems);
    const type = typeCode(qualifiers, note);
    const named = system === undefined ? (issuer.local ?? issuer.universal) : undefined;
    const assigner = named ?? facility(qualifiers, note);
    add({
      ...(type === undefined ? {} : { type: patientIdType(type) }),
      ...(system === undefined ? {} : { system }),
      value,
      ...(assigner === undefined ? {} : { assigner: { display: assigner } }),
    });
  }
  // The retired list says nothing that the sequence has said.
  for (const { value } of found.values()) values.add(value ?? "");
  for (const value of texts(dataset, "OtherPatientIDs", note)) if (!values.has(value)) add({ value });
  if (found.size > MAX_OTHERS) note("OtherPatientIDsSequence", "too-many-values");
  return [...found.values()].slice(0, MAX_OTHERS);
}

/** What the code system does not have is text. */
export function patientIdType(code: string): NonNullable<Identifier["type"]> {
  return PERSON_TYPES.has(code) ? { coding: [{ system: IDENTIFIER_TYPE, code }] } : { text: code };
}
