// Writes DICOM Part 10 files (PS3.10 §7, PS3.5 §7). One pass over a dataset; nothing is validated beyond what the encoding needs.
import { deflateRawSync } from "node:zlib";
import { encodeText } from "./character-set.ts";
import { type Dataset, type Element, type PersonName, text, type Value } from "./dataset.ts";

/** The transfer syntaxes the writer makes itself; RLE Lossless is Explicit VR Little Endian with `fragments` as pixel data. */
export const TRANSFER_SYNTAX = {
  implicit: "1.2.840.10008.1.2",
  explicit: "1.2.840.10008.1.2.1",
  deflated: "1.2.840.10008.1.2.1.99",
  bigEndian: "1.2.840.10008.1.2.2",
  rle: "1.2.840.10008.1.2.5",
} as const;

export type WriteOptions = {
  /** Default: explicit, or rle if the pixel data are fragments. */
  transferSyntax?: keyof typeof TRANSFER_SYNTAX;
  /** Sequences and items of undefined length with delimiters, instead of explicit lengths. */
  undefinedLength?: boolean;
};

type Encoding = { explicit: boolean; little: boolean; undefinedLength: boolean };

/** VRs whose explicit form has two reserved bytes and a 32-bit length (PS3.5 §7.1.2). */
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
/** VRs whose text is in the Specific Character Set. */
const LOCALIZED = new Set(["LO", "LT", "PN", "SH", "ST", "UC", "UT"]);
const UNDEFINED = 0xffffffff;
const WIDTH: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, SV: 8, UV: 8 };

const IMPLEMENTATION_CLASS = "2.25.260184529470327316902351804128574630912";

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

function padded(bytes: Uint8Array, pad: number): Uint8Array {
  return bytes.length % 2 === 0 ? bytes : concat([bytes, Uint8Array.of(pad)]);
}

function uint(value: number, width: 2 | 4, little: boolean): Buffer {
  const bytes = Buffer.alloc(width);
  if (little) bytes.writeUIntLE(value, 0, width);
  else bytes.writeUIntBE(value, 0, width);
  return bytes;
}

function tagBytes(tag: string, little: boolean): Uint8Array {
  const halves = [tag.slice(0, 4), tag.slice(4)];
  return concat(halves.map((half) => uint(Number.parseInt(half, 16), 2, little)));
}

function binary(vr: string, values: readonly (Value | null)[], little: boolean): Uint8Array {
  const width = WIDTH[vr] ?? 0;
  const view = new DataView(new ArrayBuffer(width * values.length));
  values.forEach((value, i) => {
    const at = i * width;
    if (vr === "US") view.setUint16(at, Number(value), little);
    else if (vr === "SS") view.setInt16(at, Number(value), little);
    else if (vr === "UL") view.setUint32(at, Number(value), little);
    else if (vr === "SL") view.setInt32(at, Number(value), little);
    else if (vr === "FL") view.setFloat32(at, Number(value), little);
    else if (vr === "FD") view.setFloat64(at, Number(value), little);
    else if (vr === "SV") view.setBigInt64(at, BigInt(String(value)), little);
    else view.setBigUint64(at, BigInt(String(value)), little);
  });
  return new Uint8Array(view.buffer);
}

function nameText(name: PersonName): string {
  return [name.Alphabetic ?? "", name.Ideographic ?? "", name.Phonetic ?? ""].join("=").replace(/=+$/, "");
}

function valueText(value: Value | null): string {
  if (value === null) return "";
  return typeof value === "object" ? nameText(value as PersonName) : String(value);
}

function valueBytes(element: Element, charsets: readonly string[], encoding: Encoding): Uint8Array {
  const { vr, Value: values = [] } = element;
  if (element.bytes !== undefined) return padded(element.bytes, 0);
  if (vr === "AT") return concat(values.map((value) => tagBytes(String(value), encoding.little)));
  if (WIDTH[vr] !== undefined) return binary(vr, values, encoding.little);
  const joined = values.map(valueText).join("\\");
  const bytes = LOCALIZED.has(vr) ? encodeText(joined, charsets, vr) : encodeText(joined, [], vr);
  return padded(bytes, vr === "UI" ? 0 : 0x20);
}

function header(tag: string, vr: string, length: number, encoding: Encoding): Uint8Array {
  const start = tagBytes(tag, encoding.little);
  if (!encoding.explicit) return concat([start, uint(length, 4, encoding.little)]);
  const name = Buffer.from(vr, "latin1");
  if (LONG.has(vr)) return concat([start, name, Buffer.alloc(2), uint(length, 4, encoding.little)]);
  if (length > 0xffff) throw new RangeError(`${tag} ${vr}: ${length} bytes do not fit a 16-bit length`);
  return concat([start, name, uint(length, 2, encoding.little)]);
}

const mark = (tag: string, length: number, encoding: Encoding): Uint8Array =>
  concat([tagBytes(tag, encoding.little), uint(length, 4, encoding.little)]);

function sequenceBytes(tag: string, element: Element, charsets: readonly string[], encoding: Encoding): Uint8Array {
  const items = (element.Value ?? []).map((item) => {
    const body = datasetBytes(item as Dataset, charsets, encoding);
    return encoding.undefinedLength
      ? concat([mark("FFFEE000", UNDEFINED, encoding), body, mark("FFFEE00D", 0, encoding)])
      : concat([mark("FFFEE000", body.length, encoding), body]);
  });
  const body = concat(items);
  if (!encoding.undefinedLength) return concat([header(tag, "SQ", body.length, encoding), body]);
  return concat([header(tag, "SQ", UNDEFINED, encoding), body, mark("FFFEE0DD", 0, encoding)]);
}

/** Encapsulated pixel data (PS3.5 A.4) with an empty basic offset table. */
function fragmentBytes(tag: string, fragments: readonly Uint8Array[], encoding: Encoding): Uint8Array {
  const items = fragments.map((fragment) => {
    const body = padded(fragment, 0);
    return concat([mark("FFFEE000", body.length, encoding), body]);
  });
  const start = [header(tag, "OB", UNDEFINED, encoding), mark("FFFEE000", 0, encoding)];
  return concat([...start, ...items, mark("FFFEE0DD", 0, encoding)]);
}

/** `charsets`: those of the enclosing dataset, in force unless this one has its own (0008,0005) (PS3.3 C.12.1.1.2). */
function datasetBytes(dataset: Dataset, outer: readonly string[], encoding: Encoding): Uint8Array {
  const own = dataset["00080005"]?.Value;
  const charsets = own === undefined ? outer : own.map(valueText);
  const parts = Object.keys(dataset)
    .sort()
    .map((tag) => {
      const element = dataset[tag] as Element;
      if (element.vr === "SQ") return sequenceBytes(tag, element, charsets, encoding);
      if (element.fragments !== undefined) return fragmentBytes(tag, element.fragments, encoding);
      const body = valueBytes(element, charsets, encoding);
      return concat([header(tag, element.vr, body.length, encoding), body]);
    });
  return concat(parts);
}

function metaBytes(dataset: Dataset, transferSyntax: string): Uint8Array {
  const encoding = { explicit: true, little: true, undefinedLength: false };
  const rest = datasetBytes(
    {
      "00020001": { vr: "OB", bytes: Uint8Array.of(0, 1) },
      "00020002": { vr: "UI", Value: [text(dataset, "00080016") ?? ""] },
      "00020003": { vr: "UI", Value: [text(dataset, "00080018") ?? ""] },
      "00020010": { vr: "UI", Value: [transferSyntax] },
      "00020012": { vr: "UI", Value: [IMPLEMENTATION_CLASS] },
      "00020013": { vr: "SH", Value: ["STUDYCAST_DEMO"] },
    },
    [],
    encoding,
  );
  return concat([datasetBytes({ "00020000": { vr: "UL", Value: [rest.length] } }, [], encoding), rest]);
}

/**
 * Writes one Part 10 file: preamble, file meta information, dataset. Same dataset and options, same bytes.
 * Big endian: bulk data in `bytes` must already be swapped. Throws RangeError for text outside the character sets.
 */
export function writePart10(dataset: Dataset, options: WriteOptions = {}): Uint8Array {
  const name = options.transferSyntax ?? (dataset["7FE00010"]?.fragments === undefined ? "explicit" : "rle");
  const encoding = {
    explicit: name !== "implicit",
    little: name !== "bigEndian",
    undefinedLength: options.undefinedLength ?? false,
  };
  const plain = datasetBytes(dataset, [], encoding);
  const body = name === "deflated" ? padded(deflateRawSync(plain), 0) : plain;
  const start = [Buffer.alloc(128), Buffer.from("DICM", "latin1")];
  return concat([...start, metaBytes(dataset, TRANSFER_SYNTAX[name]), body]);
}
