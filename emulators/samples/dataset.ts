// Datasets in the DICOM JSON model (PS3.18 F.2): what the writer takes and what a reader of the bytes should get back.

/** A person name by component group (PS3.18 F.2.2); components are separated by `^`. */
export type PersonName = { Alphabetic?: string; Ideographic?: string; Phonetic?: string };

export type Value = string | number | PersonName | Dataset;

/**
 * One element. `Value` as in DICOM JSON (numbers for IS and DS too; AT as 8 hex digits; null for an empty value among several).
 * Bulk data go in `bytes` (written as they are, already in the byte order of the file) or, compressed, in `fragments`.
 */
export type Element = {
  vr: string;
  Value?: readonly (Value | null)[];
  bytes?: Uint8Array;
  fragments?: readonly Uint8Array[];
};

/** Elements by tag, 8 upper-case hex digits; the order of the keys does not matter. */
export type Dataset = { [tag: string]: Element };

/** A short way to write an element: `el("CS", "CT")`; without values it is an empty (type 2) element. */
export function el(vr: string, ...values: readonly (Value | null)[]): Element {
  return values.length === 0 ? { vr } : { vr, Value: values };
}

/** A person name from its DICOM text, e.g. `Yamada^Tarou=山田^太郎=やまだ^たろう`. */
export function personName(text: string): PersonName {
  const [alphabetic = "", ideographic = "", phonetic = ""] = text.split("=");
  return {
    ...(alphabetic === "" ? {} : { Alphabetic: alphabetic }),
    ...(ideographic === "" ? {} : { Ideographic: ideographic }),
    ...(phonetic === "" ? {} : { Phonetic: phonetic }),
  };
}

/** A code sequence item (PS3.3 Table 8.8-1). */
export function code(value: string, scheme: string, meaning: string): Dataset {
  return { "00080100": el("SH", value), "00080102": el("SH", scheme), "00080104": el("LO", meaning) };
}

/** The first string of an element; undefined if it is absent, empty or of another kind. */
export function text(dataset: Dataset, tag: string): string | undefined {
  const value = dataset[tag]?.Value?.[0];
  return typeof value === "string" ? value : undefined;
}
