import { convertBytes } from "dicom-character-set";

/** VRs whose text depends on SpecificCharacterSet (DICOM PS3.5 §6.1.2.2). */
export const charsetVrs: ReadonlySet<string> = new Set(["LO", "LT", "PN", "SH", "ST", "UC", "UT"]);

/** Code extensions tried when a value uses an escape sequence its dataset does not declare. */
const extensions = [
  "6",
  "100",
  "101",
  "109",
  "110",
  "144",
  "127",
  "126",
  "138",
  "148",
  "13",
  "166",
  "87",
  "159",
  "149",
  "58",
]
  .map((number) => `ISO 2022 IR ${number}`)
  .join("\\");

/** Spellings met in real files, e.g. `ISO IR 100`, `ISO_IR_192`, `ISO-2022 IR 87`, brought to the defined terms. */
function definedTerm(term: string): string {
  const upper = term.trim().toUpperCase();
  const match = /^ISO[-_ ](2022[-_ ])?IR[-_ ]?(\d+)$/.exec(upper);
  if (!match) return upper;
  return match[1] ? `ISO 2022 IR ${match[2]}` : `ISO_IR ${match[2]}`;
}

/** Text of a value by the dataset's SpecificCharacterSet (raw value, `\` between terms; "" when absent). */
export function decodeText(characterSet: string, bytes: Uint8Array, vr: string): string {
  const terms = characterSet.split("\\").map(definedTerm);
  if (terms.every((term) => term === "" || term === "ISO_IR 6") && !bytes.includes(0x1b)) return latin1(bytes);
  const declared = terms.join("\\");
  return (
    withoutEscapes(convert(declared, bytes, vr)) ??
    convert(`${(terms[0] || "ISO_IR 6").replace("ISO_IR", "ISO 2022 IR")}\\${extensions}`, bytes, vr) ??
    latin1(bytes)
  );
}

/** A set declared without code extensions leaves escape sequences standing in the text. */
function withoutEscapes(text: string | undefined): string | undefined {
  return text?.includes("\u001b") ? undefined : text;
}

function convert(characterSet: string, bytes: Uint8Array, vr: string): string | undefined {
  try {
    return convertBytes(characterSet, bytes, { vr });
  } catch {
    return undefined;
  }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
