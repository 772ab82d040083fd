/** DICOM code items (PS3.3 §8.8, Code Sequence Macro) as CodeableConcepts. */
import type { CodeableConcept, Coding } from "fhir/r4";
import { fromSnomedRt } from "./body-parts.ts";
import { schemeMeaning } from "./coding-schemes.ts";
import { type Dataset, items, text, texts } from "./dataset.ts";
import type { Note } from "./issues.ts";
import { SNOMED } from "./laterality.ts";
import type { MappingOptions } from "./options.ts";
import type { Keyword } from "./tags.ts";

/** What codes of one dataset are read with. */
export type CodeContext = {
  /** The site's map: Coding Scheme Designator or UID → system. */
  siteMap: Readonly<Record<string, string>>;
  /** The dataset's own (0008,0110): designator → Coding Scheme UID. */
  uids: ReadonlyMap<string, string>;
};

const NO_SYSTEMS: Readonly<Record<string, string>> = Object.freeze({});
const NO_UIDS: ReadonlyMap<string, string> = new Map();
const MAX_CODES = 32;
const MAX_EQUIVALENTS = 8;

export function codeContext(dataset: Dataset, options: MappingOptions, note: Note): CodeContext {
  const siteMap = options.codeSystems ?? NO_SYSTEMS;
  const schemes = items(dataset, "CodingSchemeIdentificationSequence", note);
  if (schemes.length === 0) return { siteMap, uids: NO_UIDS };
  const uids = new Map<string, string>();
  for (const scheme of schemes) {
    const designator = text(scheme, "CodingSchemeDesignator", note);
    const uid = text(scheme, "CodingSchemeUID", note);
    if (designator !== undefined && uid !== undefined) uids.set(designator, uid);
  }
  return { siteMap, uids };
}

/** The codes of a sequence, those without code and meaning left out, equal ones once. */
export function readCodes(dataset: Dataset, keyword: Keyword, context: CodeContext, note: Note): CodeableConcept[] {
  const found = items(dataset, keyword, note).flatMap((item) => readCode(item, keyword, context, note) ?? []);
  const distinct = distinctConcepts(found);
  if (distinct.length > MAX_CODES) note(keyword, "too-many-values");
  return distinct.slice(0, MAX_CODES);
}

/**
 * One code item. Its equivalent codes (0008,0121) become further codings. A scheme without a system gives no coding: the meaning is the text.
 * @param keyword the sequence the item is in, for issues
 */
export function readCode(
  item: Dataset,
  keyword: Keyword,
  context: CodeContext,
  note: Note,
): CodeableConcept | undefined {
  const meaning = text(item, "CodeMeaning", note);
  const coding = readCodings(item, context, note);
  if (coding.length > 0) return { coding, ...(meaning === undefined ? {} : { text: meaning }) };
  const label = meaning ?? codeValue(item, note)?.code;
  if (label === undefined) return undefined;
  note(keyword, "uncoded");
  return { text: label };
}

/** The item's code and its equivalents, those that have a system. */
export function readCodings(item: Dataset, context: CodeContext, note: Note): Coding[] {
  const equivalents = items(item, "EquivalentCodeSequence", note).slice(0, MAX_EQUIVALENTS);
  return distinctCodings([item, ...equivalents].flatMap((one) => readCoding(one, context, note) ?? []));
}

/** An SCTID (6 to 18 digits); SNOMED RT codes begin with a letter. */
const SCTID = /^[1-9]\d{5,17}$/;
/** FHIR `code`: no white space at its ends, single spaces inside. */
const CODE = /^\S+( \S+)*$/;
const ABSOLUTE_URI = /^[a-z][a-z0-9+.-]*:[!-~]+$/i;

/** The item's own code; undefined for a scheme that has no system. */
function readCoding(item: Dataset, context: CodeContext, note: Note): Coding | undefined {
  const value = codeValue(item, note);
  if (value === undefined) return undefined;
  const display = text(item, "CodeMeaning", note);
  const named = display === undefined ? {} : { display };
  if (value.isUrn)
    return ABSOLUTE_URI.test(value.code) ? { system: "urn:ietf:rfc:3986", code: value.code, ...named } : undefined;
  const designator = text(item, "CodingSchemeDesignator", note);
  const uid = text(item, "CodingSchemeUID", note) ?? context.uids.get(designator ?? "");
  const scheme = schemeMeaning(uid, designator, context.siteMap);
  if (scheme.kind === "unknown") return undefined;
  if (scheme.kind === "snomed-rt" || scheme.system === SNOMED) {
    if (SCTID.test(value.code)) return { system: SNOMED, code: value.code, ...named };
    return fromSnomedRt(value.code.toUpperCase());
  }
  return CODE.test(value.code) ? { system: scheme.system, code: value.code, ...named } : undefined;
}

/** (0008,0100), else (0008,0119) for more than 16 characters, else (0008,0120). */
function codeValue(item: Dataset, note: Note): { code: string; isUrn: boolean } | undefined {
  const code = texts(item, "CodeValue", note)[0] ?? texts(item, "LongCodeValue", note)[0];
  if (code !== undefined) return { code, isUrn: false };
  const urn = texts(item, "URNCodeValue", note)[0];
  return urn === undefined ? undefined : { code: urn, isUrn: true };
}

function distinctCodings(codings: readonly Coding[]): Coding[] {
  const distinct = new Map<string, Coding>();
  for (const coding of codings) {
    const key = `${coding.system} ${coding.code}`;
    if (!distinct.has(key)) distinct.set(key, coding);
  }
  return [...distinct.values()];
}

/** What makes two concepts one: their first code, else their text. */
export function conceptKey({ coding, text }: CodeableConcept): string {
  const [first] = coding ?? [];
  return first === undefined ? `text ${text}` : `code ${first.system} ${first.code}`;
}

/** Equal ones once, the first stays; a bare text that a coded one already says is left out. */
export function distinctConcepts(concepts: readonly CodeableConcept[]): CodeableConcept[] {
  const said = new Set(
    concepts.flatMap(({ coding, text }) => (coding === undefined ? [] : [text, ...coding.map((one) => one.display)])),
  );
  const distinct = new Map<string, CodeableConcept>();
  for (const concept of concepts) {
    if (concept.coding === undefined && said.has(concept.text)) continue;
    const key = conceptKey(concept);
    if (!distinct.has(key)) distinct.set(key, concept);
  }
  return [...distinct.values()];
}
