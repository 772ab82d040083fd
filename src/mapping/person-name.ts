/** DICOM person names (PS3.5 §6.2.1) as FHIR HumanName, one per component group, and as one line of text. */
import type { HumanName } from "fhir/r4";
import { type Dataset, isRecord, personNameValues } from "./dataset.ts";
import type { Note } from "./issues.ts";
import type { Keyword } from "./tags.ts";
import { cleanText } from "./text.ts";

export const REPRESENTATION_URL = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";

/** Component groups in DICOM's order, with the code of iso21090-EN-representation. */
const GROUPS = [
  { member: "Alphabetic", code: "ABC" },
  { member: "Ideographic", code: "IDE" },
  { member: "Phonetic", code: "SYL" },
] as const;

type GroupCode = (typeof GROUPS)[number]["code"];
type NameGroup = { code: GroupCode; family: string; given: string; middle: string; prefix: string; suffix: string };

/** The first value that names anybody; a name of separators and spaces only is no name. */
export function readPersonName(dataset: Dataset, keyword: Keyword, note: Note): NameGroup[] {
  const names = personNameValues(dataset, keyword, note)
    .map((value) => readGroups(value, keyword, note))
    .filter((groups) => groups.length > 0);
  if (names.length > 1) note(keyword, "multiple-values");
  return names[0] ?? [];
}

/** One value of a name attribute: its component groups that are not empty. */
export function readGroups(value: string | Dataset, keyword: Keyword, note: Note): NameGroup[] {
  const found: NameGroup[] = [];
  const parts = groupTexts(value, keyword, note);
  if (parts.length > GROUPS.length) note(keyword, "name-components");
  for (const [index, { code }] of GROUPS.entries()) {
    const components = cleanText(parts[index] ?? "", keyword, note).split("^");
    if (components.length > 5) note(keyword, "name-components");
    const [family = "", given = "", middle = "", prefix = "", suffix = ""] = components.map((part) => part.trim());
    if (family + given + middle + prefix + suffix !== "") found.push({ code, family, given, middle, prefix, suffix });
  }
  return found;
}

function groupTexts(value: string | Dataset, keyword: Keyword, note: Note): string[] {
  if (!isRecord(value)) return value.split("=");
  const texts = GROUPS.map(({ member }) => {
    const group = value[member];
    if (group === undefined || group === null) return "";
    if (typeof group !== "string") note(keyword, "wrong-type");
    return typeof group === "string" ? group : "";
  });
  const [alphabetic = "", ...others] = texts;
  return alphabetic.includes("=") && others.every((text) => text === "") ? alphabetic.split("=") : texts;
}

/** `splitGiven` cuts given names, prefixes and suffixes at spaces, as DICOMcast did; the family name stays whole. */
export function humanNames(groups: readonly NameGroup[], splitGiven: boolean): HumanName[] {
  const cut = (...texts: string[]) =>
    texts.flatMap((text) => (splitGiven ? text.split(/\s+/) : [text])).filter((text) => text !== "");
  return groups.map((group) => {
    const name: HumanName = {
      extension: [{ url: REPRESENTATION_URL, valueCode: group.code }],
      text: groupText(group),
    };
    if (group.family !== "") name.family = group.family;
    const given = cut(group.given, group.middle);
    const prefix = cut(group.prefix);
    const suffix = cut(group.suffix);
    if (given.length > 0) name.given = given;
    if (prefix.length > 0) name.prefix = prefix;
    if (suffix.length > 0) name.suffix = suffix;
    return name;
  });
}

/** Alphabetic names in the order they are spoken, others with the family name first. */
function groupText(group: NameGroup): string {
  const { family, given, middle, prefix, suffix } = group;
  const order =
    group.code === "ABC" ? [prefix, given, middle, family, suffix] : [prefix, family, given, middle, suffix];
  return order.filter((part) => part !== "").join(" ");
}

/** One line for `Reference.display`: the first group's text. */
export function displayName(groups: readonly NameGroup[]): string | undefined {
  const [first] = groups;
  return first === undefined ? undefined : groupText(first);
}
