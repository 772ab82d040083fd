import type { Attribute, Value } from "./dicom-json.ts";

/** One value of a VR: the sentence on what is wrong, or undefined. Lengths are characters (PS3.5 §6.2). */
type Rule = (text: string) => string | undefined;

const uidPattern = /^(0|[1-9]\d*)(\.(0|[1-9]\d*))*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const controls = /[\u0000-\u0009\u000b\u000e-\u001a\u001c-\u001f]/;

function limit(length: number): Rule {
  return (text) => (text.length > length ? `value exceeds maximum length of ${length} characters` : undefined);
}

function line(length: number): Rule {
  return (text) => limit(length)(text) ?? (controls.test(text) ? "value contains invalid character" : undefined);
}

function shaped(pattern: RegExp, what: string): Rule {
  return (text) => (pattern.test(text) ? undefined : `value is not ${what}`);
}

const time = /^([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?(\.\d{1,6})?)?$/;
const dateTime =
  /^\d{4}((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?$/;

const rules: Readonly<Record<string, Rule>> = {
  AE: line(16),
  AS: shaped(/^\d{3}[DWMY]$/, "a valid age"),
  CS: (text) => limit(16)(text) ?? shaped(/^[A-Z0-9_ ]*$/, "a valid code string")(text),
  DA: (text) => (isDate(text) ? undefined : "value is not a valid date"),
  DS: limit(16),
  DT: shaped(dateTime, "a valid date time"),
  IS: limit(12),
  LO: line(64),
  LT: limit(10_240),
  PN: personName,
  SH: line(16),
  ST: limit(1024),
  TM: shaped(time, "a valid time"),
  UI: (text) => limit(64)(text) ?? shaped(uidPattern, "a valid UID")(text),
};

function isDate(text: string): boolean {
  if (!/^\d{8}$/.test(text)) return false;
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6)];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day) && year !== "0000";
}

function personName(text: string): string | undefined {
  const groups = text.split("=");
  if (groups.length > 3) return "value contains too many groups";
  for (const group of groups) {
    if (group.length > 64) return "one or more group of a person name exceeds maximum length of 64 characters";
    if (group.split("^").length > 5) return "value contains too many components";
    if (controls.test(group)) return "value contains invalid character";
  }
  return undefined;
}

/**
 * What is wrong with an attribute by the rules of its VR; undefined when it is valid. Empty values are valid. Trailing
 * NULs are forgiven, as the service does for searchable attributes.
 */
export function attributeError(attribute: Attribute): string | undefined {
  const rule = rules[attribute.vr];
  if (!rule) return undefined;
  for (const value of attribute.Value ?? []) {
    const text = textOf(value);
    if (text === undefined || text === "") continue;
    if (typeof value === "string" && (attribute.vr === "IS" || attribute.vr === "DS")) return "value is not a number";
    const error = rule(text.replace(/[\0 ]+$/, ""));
    if (error) return error;
  }
  return undefined;
}

function textOf(value: Value): string | undefined {
  if (value === null) return undefined;
  if (typeof value !== "object") return String(value);
  if ("digits" in value && typeof value.digits === "string") return value.digits;
  const name = value as { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
  return [name.Alphabetic, name.Ideographic, name.Phonetic]
    .map((group) => group ?? "")
    .join("=")
    .replace(/=+$/, "");
}
