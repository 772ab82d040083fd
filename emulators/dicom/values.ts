import { charsetVrs, decodeText, latin1 } from "./charset.ts";
import type { PersonName, Value } from "./dicom-json.ts";
import type { Element } from "./element-reader.ts";

type Read = { size: number; get: (view: DataView, at: number, little: boolean) => Value };

const binary: Readonly<Record<string, Read>> = {
  US: { size: 2, get: (view, at, little) => view.getUint16(at, little) },
  SS: { size: 2, get: (view, at, little) => view.getInt16(at, little) },
  UL: { size: 4, get: (view, at, little) => view.getUint32(at, little) },
  SL: { size: 4, get: (view, at, little) => view.getInt32(at, little) },
  FL: { size: 4, get: (view, at, little) => singlePrecision(view.getFloat32(at, little)) },
  FD: { size: 8, get: (view, at, little) => view.getFloat64(at, little) },
  SV: { size: 8, get: (view, at, little) => ({ digits: String(view.getBigInt64(at, little)) }) },
  UV: { size: 8, get: (view, at, little) => ({ digits: String(view.getBigUint64(at, little)) }) },
  AT: {
    size: 4,
    get: (view, at, little) => hex(view.getUint16(at, little)) + hex(view.getUint16(at + 2, little)),
  },
};

/** VRs that hold one text, in which a backslash is a character (PS3.5 §6.2). */
const singleText: ReadonlySet<string> = new Set(["LT", "ST", "UR", "UT"]);

/** Values of an element that is no sequence. An empty element has none; an empty value among others is null. */
export function elementValues(view: DataView, element: Element, characterSet: string): Value[] {
  const { vr, offset, length, little } = element;
  const reader = binary[vr];
  if (reader) {
    const values: Value[] = [];
    for (let at = offset; at + reader.size <= offset + length; at += reader.size)
      values.push(reader.get(view, at, little));
    return values;
  }
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
  const text = charsetVrs.has(vr) ? decodeText(characterSet, bytes, vr) : latin1(bytes);
  // UI is padded with NUL, all others with spaces; NULs elsewhere are kept (contract §7).
  const padding = vr === "UI" ? /\0+$/ : / +$/;
  const trimmed = text.replace(padding, "");
  if (trimmed === "") return [];
  if (singleText.has(vr)) return [trimmed];
  const parts = trimmed.split("\\").map((part) => part.replace(padding, ""));
  if (vr === "PN") return parts.map(personName);
  if (vr === "IS") return numbers(parts, integer);
  if (vr === "DS") return numbers(parts, decimal);
  return parts.map((part) => (part === "" ? null : part));
}

/** Component groups of a name (PS3.5 §6.2.1.2); a name without any is null. */
function personName(text: string): PersonName | null {
  const [alphabetic, ideographic, phonetic] = text.split("=");
  const name: PersonName = {};
  if (alphabetic?.trim()) name.Alphabetic = alphabetic;
  if (ideographic?.trim()) name.Ideographic = ideographic;
  if (phonetic?.trim()) name.Phonetic = phonetic;
  return Object.keys(name).length > 0 ? name : null;
}

/** Numbers if every value of the element parses, else all of them as strings. */
function numbers(parts: readonly string[], parse: (text: string) => Value | undefined): Value[] {
  const values: Value[] = [];
  for (const part of parts) {
    const value = part.trim() === "" ? null : parse(part.replace(/\0+$/, "").trim());
    if (value === undefined) return parts.map((text) => (text === "" ? null : text));
    values.push(value);
  }
  return values;
}

function integer(text: string): Value | undefined {
  const value = Number(text);
  return /^[+-]?\d+$/.test(text) && value >= -(2 ** 31) && value < 2 ** 31 ? value : undefined;
}

const decimalPattern = /^([+-]?)0*(\d*?)(?:\.(\d*))?([eE][+-]?\d+)?$/;

/** A DS as a JSON number with its own digits: `+007.50` becomes 7.50. */
function decimal(text: string): Value | undefined {
  // Longer values are no DS (PS3.5 §6.2): the service sends them as strings.
  const match = text.length > 16 ? undefined : decimalPattern.exec(text);
  if (!match || !Number.isFinite(Number(text)) || text === "." || !/\d/.test(text)) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = ""] = match;
  return { digits: `${sign === "-" ? "-" : ""}${whole || "0"}${fraction ? `.${fraction}` : ""}${exponent}` };
}

/** The shortest number that reads back as the same single-precision value, as the service writes it. */
function singlePrecision(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, "0");
}
