import { dictionary } from "dcmjs/dictionary";

/** VRs whose values the service drops at store time, also inside sequences (contract §7). */
export const bulkVrs: ReadonlySet<string> = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "UN"]);

/** VRs with two reserved bytes and a 32-bit length in explicit encodings (DICOM PS3.5 §7.1.2). */
export const longVrs: ReadonlySet<string> = new Set([...bulkVrs, ...["SQ", "SV", "UC", "UR", "UT", "UV"]]);

export const knownVrs: ReadonlySet<string> = new Set([
  ...longVrs,
  ...[
    "AE",
    "AS",
    "AT",
    "CS",
    "DA",
    "DS",
    "DT",
    "FD",
    "FL",
    "IS",
    "LO",
    "LT",
    "PN",
    "SH",
    "SL",
    "SS",
    "ST",
    "TM",
    "UI",
    "UL",
    "US",
  ],
]);

/** The dictionary's names for "one of several VRs"; the first VR is taken, as the service's library does. */
const ambiguous: Readonly<Record<string, string>> = { xs: "US", ox: "OW", up: "UL", lt: "US" };

/** Overlays (60xx) and curves (50xx) share one row per element. */
function baseTag(tag: string): string {
  return /^(50|60)[0-9A-F][02468ACE]/.test(tag) ? `${tag.slice(0, 2)}00${tag.slice(4)}` : tag;
}

/** VR of a tag (8 upper-case hex digits) by the data dictionary; undefined for unknown and private tags. */
export function dictionaryVr(tag: string): string | undefined {
  if (tag.endsWith("0000")) return "UL";
  if (isPrivate(tag)) return /^....00[1-9A-F]/.test(tag) ? "LO" : undefined;
  const row = dictionary[dictionaryKey(tag)] ?? dictionary[dictionaryKey(baseTag(tag))];
  if (!row) return undefined;
  const vr = ambiguous[row.vr] ?? row.vr;
  return knownVrs.has(vr) ? vr : undefined;
}

/** Keyword of a tag, e.g. `PatientID`. */
export function keywordOf(tag: string): string | undefined {
  return dictionary[dictionaryKey(tag)]?.name;
}

let tagsByKeyword: Map<string, string> | undefined;

/** Tag of a keyword (case-sensitive), or of 8 hex digits. */
export function tagOf(attribute: string): string | undefined {
  if (/^[0-9A-F]{8}$/i.test(attribute)) return attribute.toUpperCase();
  if (!tagsByKeyword) {
    tagsByKeyword = new Map();
    for (const [key, row] of Object.entries(dictionary))
      if (row && /^\([0-9A-F]{4},[0-9A-F]{4}\)$/.test(key)) tagsByKeyword.set(row.name, key.replace(/[(),]/g, ""));
  }
  return tagsByKeyword.get(attribute);
}

export function isPrivate(tag: string): boolean {
  return "13579BDF".includes(tag[3] ?? "");
}

function dictionaryKey(tag: string): string {
  return `(${tag.slice(0, 4)},${tag.slice(4)})`;
}
