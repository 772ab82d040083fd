/** Elements of a Patient beyond identity, names, sex and birth: opt-in, because they are sensitive and better known to the EHR. */
import type { Address, CodeableConcept, ContactPoint, Patient, PatientCommunication, PatientContact } from "fhir/r4";
import { type CodeContext, readCodes } from "./codes.ts";
import { type Dataset, items, text, texts } from "./dataset.ts";
import type { Include } from "./includes.ts";
import type { Note } from "./issues.ts";
import { humanNames, readPersonName } from "./person-name.ts";

export type PatientDetails = Pick<Patient, "deceasedBoolean" | "address" | "telecom" | "communication" | "contact">;

const MAX_ITEMS = 16;

/** @param animal its owner is written without being asked for */
export function readDetails(
  dataset: Dataset,
  codes: CodeContext,
  wanted: (name: Include) => boolean,
  animal: boolean,
  note: Note,
): PatientDetails {
  const address = wanted("address") ? readAddress(dataset, note) : [];
  const telecom = wanted("telecom") ? readTelecom(dataset, note) : [];
  const communication = wanted("language") ? readLanguages(dataset, codes, note) : [];
  const contact = animal || wanted("responsible-person") ? readResponsible(dataset, note) : undefined;
  // The date itself is of another calendar (0010,0035), so that there was one is all that can be told.
  const dead = wanted("deceased") && text(dataset, "PatientDeathDateInAlternativeCalendar", note) !== undefined;
  return {
    ...(dead ? { deceasedBoolean: true } : {}),
    ...(address.length === 0 ? {} : { address }),
    ...(telecom.length === 0 ? {} : { telecom }),
    ...(communication.length === 0 ? {} : { communication }),
    ...(contact === undefined ? {} : { contact: [contact] }),
  };
}

function readAddress(dataset: Dataset, note: Note): Address[] {
  const address = text(dataset, "PatientAddress", note);
  return address === undefined ? [] : [{ text: address }];
}

/** (0010,2155) is free text, with no line or separator agreed on: an e-mail address is told by its form, the rest is `other`. */
function readTelecom(dataset: Dataset, note: Note): ContactPoint[] {
  const phones = [...new Set(texts(dataset, "PatientTelephoneNumbers", note))];
  const more = texts(dataset, "PatientTelecomInformation", note).filter((value) => !phones.includes(value));
  return [
    ...phones.map((value): ContactPoint => ({ system: "phone", value })),
    ...more.map((value): ContactPoint => ({ system: /^[^\s@]+@[^\s@]+$/.test(value) ? "email" : "other", value })),
  ].slice(0, MAX_ITEMS);
}

/** CID 5000: RFC 5646 (once 3066) tags; the modifier (CID 5001) adds the country. */
const LANGUAGE_SCHEMES = new Set(["RFC5646", "RFC3066", "ISO639_1"]);
const COUNTRY_SCHEMES = new Set(["ISO3166_1", "ISO3166"]);
const BCP_47 = "urn:ietf:bcp:47";

/** In decreasing order of preference (PS3.3 C.7.1.3). R4 takes codes of BCP 47 only; a language in another code is its meaning as text. */
function readLanguages(dataset: Dataset, codes: CodeContext, note: Note): PatientCommunication[] {
  const keyword = "PatientPrimaryLanguageCodeSequence";
  const languages = items(dataset, keyword, note)
    .slice(0, MAX_ITEMS)
    .flatMap((item): CodeableConcept[] => {
      const meaning = text(item, "CodeMeaning", note);
      const tag = languageTag(item, note);
      if (tag !== undefined)
        return [{ coding: [{ system: BCP_47, code: tag }], ...(meaning === undefined ? {} : { text: meaning }) }];
      const label = meaning ?? readCodes({ [keyword]: item }, keyword, codes, () => {})[0]?.text;
      if (label !== undefined) note(keyword, "uncoded");
      return label === undefined ? [] : [{ text: label }];
    });
  return languages.map((language, index) => ({ language, ...(index === 0 ? { preferred: true } : {}) }));
}

function languageTag(item: Dataset, note: Note): string | undefined {
  const code = text(item, "CodeValue", note) ?? text(item, "LongCodeValue", note);
  const scheme = text(item, "CodingSchemeDesignator", note);
  if (code === undefined || !LANGUAGE_SCHEMES.has(scheme ?? "") || !/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(code))
    return undefined;
  const [modifier] = items(item, "PatientPrimaryLanguageModifierCodeSequence", note);
  const country = modifier && text(modifier, "CodeValue", note)?.toUpperCase();
  const known = modifier !== undefined && COUNTRY_SCHEMES.has(text(modifier, "CodingSchemeDesignator", note) ?? "");
  return known && !code.includes("-") && /^[A-Z]{2}$/.test(country ?? "") ? `${code}-${country}` : code;
}

const ROLE_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
/** The roles of (0010,2298) that v3-RoleCode has; OWNER, CUSTODIAN, AGENT, INVESTIGATOR and VETERINARIAN are text only. */
const ROLES: ReadonlyMap<string, { code: string; display: string }> = new Map([
  ["PARENT", { code: "PRN", display: "parent" }],
  ["CHILD", { code: "CHILD", display: "child" }],
  ["SPOUSE", { code: "SPS", display: "spouse" }],
  ["SIBLING", { code: "SIB", display: "sibling" }],
  ["RELATIVE", { code: "FAMMEMB", display: "family member" }],
  ["GUARDIAN", { code: "GUARD", display: "guardian" }],
]);

function readResponsible(dataset: Dataset, note: Note): PatientContact | undefined {
  const [name] = humanNames(readPersonName(dataset, "ResponsiblePerson", note), false);
  const organization = text(dataset, "ResponsibleOrganization", note);
  if (name === undefined && organization === undefined) return undefined;
  const role = text(dataset, "ResponsiblePersonRole", note)?.toUpperCase();
  const coding = ROLES.get(role ?? "");
  return {
    ...(role === undefined
      ? {}
      : { relationship: [{ ...(coding ? { coding: [{ system: ROLE_SYSTEM, ...coding }] } : {}), text: role }] }),
    ...(name === undefined ? {} : { name }),
    ...(organization === undefined ? {} : { organization: { display: organization } }),
  };
}
