/** The DICOM JSON model (PS3.18 Annex F) and its text as the service writes it: ASCII only, fixed escapes (contract §7). */

export type PersonName = { Alphabetic?: string; Ideographic?: string; Phonetic?: string };
/** A number whose digits must survive: DS with more digits than a double, 64-bit integers. */
export type Digits = { readonly digits: string };
export type Value = string | number | null | Digits | PersonName | Dataset;
export type Attribute = { readonly vr: string; readonly Value?: readonly Value[] };
export type Dataset = { [tag: string]: Attribute };

/** Non-ASCII and what the service's default encoder escapes besides quotes and controls: `+ < > & '` and the back tick. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const escaped = /["+<>&'`\\\u0000-\u001f\u007f-\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const everyEscaped = /["+<>&'`\\\u0000-\u001f\u007f-\uffff]/g;
const short: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

export function jsonString(text: string): string {
  if (!escaped.test(text)) return `"${text}"`;
  const body = text.replace(
    everyEscaped,
    (c) => short[c] ?? `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
  return `"${body}"`;
}

function valueText(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return jsonString(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : jsonString(String(value));
  if ("digits" in value && typeof value.digits === "string") return value.digits;
  if ("Alphabetic" in value || "Ideographic" in value || "Phonetic" in value || Object.keys(value).length === 0)
    return nameText(value as PersonName);
  return datasetText(value as Dataset);
}

function nameText(name: PersonName): string {
  const groups = Object.entries(name).map(([key, group]) => `"${key}":${jsonString(String(group))}`);
  return `{${groups.join(",")}}`;
}

/** JSON text of a dataset, attributes by tag. */
export function datasetText(dataset: Dataset): string {
  const attributes = Object.keys(dataset)
    .sort()
    .map((tag) => {
      const { vr, Value: values } = dataset[tag] as Attribute;
      return values?.length
        ? `"${tag}":{"vr":"${vr}","Value":[${values.map(valueText).join(",")}]}`
        : `"${tag}":{"vr":"${vr}"}`;
    });
  return `{${attributes.join(",")}}`;
}

/** Parses the text of a dataset, keeping the digits of numbers a double cannot hold. */
export function parseDataset(text: string): Dataset {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && context?.source !== undefined && context.source !== String(value)
      ? { digits: context.source }
      : value,
  ) as Dataset;
}
