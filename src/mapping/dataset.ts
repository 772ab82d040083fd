/**
 * Reads values out of DICOM JSON (PS3.18 Annex F), forgivingly: what cannot be used is noted and counts as absent, nothing throws. The text is Unicode
 * whatever (0008,0005) says. Only named members are read, so members such as `__proto__` have no effect.
 */
import type { Note } from "./issues.ts";
import { type Keyword, TAGS } from "./tags.ts";
import { cleanText } from "./text.ts";

export type Dataset = Readonly<Record<string, unknown>>;

/** VRs in which a backslash inside a JSON string can only be a careless server's separator; in the second set it is worth an issue. */
const SPLIT = new Set(["CS", "DA", "TM", "UI", "IS", "DS", "LO", "SH", "PN"]);
const SPLIT_WITH_ISSUE = new Set(["LO", "SH", "PN"]);

export function isRecord(value: unknown): value is Dataset {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lower-case forms of the tags that have letters: making them anew for each absent element took half of the mapping's time. */
const LOWER_CASE = new Map<Keyword, string>(
  Object.entries(TAGS)
    .filter(([, [tag]]) => tag !== tag.toLowerCase())
    .map(([keyword, [tag]]) => [keyword as Keyword, tag.toLowerCase()]),
);

/** The element of an attribute; tags may be in lower case. */
export function element(dataset: Dataset, keyword: Keyword): Dataset | undefined {
  let found = dataset[TAGS[keyword][0]];
  if (found === undefined) {
    const lower = LOWER_CASE.get(keyword);
    if (lower !== undefined) found = dataset[lower];
  }
  return isRecord(found) ? found : undefined;
}

/** Tags looked for in every instance, made out of keywords once: finding the tag of a keyword took longer than finding the element. */
export type TagNames = readonly { upper: string; lower: string | undefined }[];

export function tagNames(keywords: readonly Keyword[]): TagNames {
  return keywords.map((keyword) => ({ upper: TAGS[keyword][0], lower: LOWER_CASE.get(keyword) }));
}

/** As `element`, by name. */
export function elementNamed(dataset: Dataset, { upper, lower }: TagNames[number]): Dataset | undefined {
  let found = dataset[upper];
  if (found === undefined && lower !== undefined) found = dataset[lower];
  return isRecord(found) ? found : undefined;
}

/** The value as JSON text; undefined when it is nested too deeply for `JSON.stringify`, which `JSON.parse` is not. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** `1e999` parses as a number that JSON cannot write; it counts as absent like `null`. */
function isThere(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return value !== null && value !== undefined && value !== "";
}

/** All values that are there: `null` and empty strings (empty positions) are left out, a scalar counts as a list of one. */
function values(dataset: Dataset, keyword: Keyword, note: Note): readonly unknown[] {
  const found = element(dataset, keyword);
  if (found === undefined) return [];
  const value = found["Value"];
  if (Array.isArray(value)) return value.filter(isThere);
  if (isThere(value)) return [value];
  if (found["InlineBinary"] !== undefined) note(keyword, "inline-binary");
  else if (found["BulkDataURI"] !== undefined) note(keyword, "bulk-data");
  return [];
}

/** The values of a text or number attribute as clean, non-empty texts. */
export function texts(dataset: Dataset, keyword: Keyword, note: Note): string[] {
  const vr = TAGS[keyword][1];
  const found: string[] = [];
  for (const value of values(dataset, keyword, note)) {
    if (typeof value !== "string" && typeof value !== "number") note(keyword, "wrong-type");
    else
      for (const part of splitCareless(String(value), vr, keyword, note)) {
        const text = cleanText(part, keyword, note);
        if (text !== "") found.push(text);
      }
  }
  return found;
}

function splitCareless(value: string, vr: string, keyword: Keyword, note: Note): string[] {
  if (!SPLIT.has(vr) || !value.includes("\\")) return [value];
  if (SPLIT_WITH_ISSUE.has(vr)) note(keyword, "multiple-values");
  return value.split("\\");
}

/** The first value of an attribute that may have one only. */
export function text(dataset: Dataset, keyword: Keyword, note: Note): string | undefined {
  const found = texts(dataset, keyword, note);
  if (found.length > 1) note(keyword, "multiple-values");
  return found[0];
}

/** The items of a sequence; what is no object, or an empty one, is skipped. */
export function items(dataset: Dataset, keyword: Keyword, note: Note): Dataset[] {
  return values(dataset, keyword, note).filter(
    (item): item is Dataset => isRecord(item) && Object.keys(item).length > 0,
  );
}

/** The values of a person name attribute, unparsed: objects with groups, or texts. */
export function personNameValues(dataset: Dataset, keyword: Keyword, note: Note): readonly (string | Dataset)[] {
  const found: (string | Dataset)[] = [];
  for (const value of values(dataset, keyword, note)) {
    if (isRecord(value)) found.push(value);
    else if (typeof value === "string") found.push(...splitCareless(value, "PN", keyword, note));
    else note(keyword, "wrong-type");
  }
  return found;
}

/** A whole number from 0 to 2147483647 (FHIR unsignedInt). DICOM's IS may be a number or a text, `1.0` is one. */
export function unsignedInt(dataset: Dataset, keyword: Keyword, note: Note): number | undefined {
  const found = text(dataset, keyword, note);
  if (found === undefined) return undefined;
  const number = /^[+-]?\d{1,12}(\.0*)?$/.test(found) ? Number(found) : Number.NaN;
  if (number >= 0 && number <= 2_147_483_647) return Math.abs(number);
  note(keyword, "invalid-number");
  return undefined;
}

/** A UID (PS3.5 §9.1) of at most 64 characters, its padding removed. A leading zero in a component is forgiven. */
export function uid(dataset: Dataset, keyword: Keyword, note: Note): string | undefined {
  const found = text(dataset, keyword, note);
  if (found === undefined) return undefined;
  if (found.length > 64 || !/^\d+(\.\d+)*$/.test(found)) {
    note(keyword, "invalid-uid");
    return undefined;
  }
  if (/(^|\.)0\d/.test(found)) note(keyword, "leading-zero");
  return found;
}
