import { inflateRawSync } from "node:zlib";
import { type Element, type Encoding, readElements } from "./element-reader.ts";

/** A DICOM Part 10 file (PS3.10 §7): the elements point into `view`, which is the inflated file for deflated ones. */
export type Part10 = {
  readonly transferSyntax: string;
  readonly view: DataView;
  readonly elements: readonly Element[];
  /** The dataset was cut or damaged before its pixel data; `elements` holds what came before. */
  readonly damaged: boolean;
};

const implicit = "1.2.840.10008.1.2";
const deflated = "1.2.840.10008.1.2.1.99";
const bigEndian = "1.2.840.10008.1.2.2";

/** Reads a Part 10 file; undefined when it has no `DICM` at offset 128. */
export function readPart10(bytes: Uint8Array): Part10 | undefined {
  if (bytes.length < 132 || Buffer.from(bytes.buffer, bytes.byteOffset + 128, 4).toString("latin1") !== "DICM")
    return undefined;
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const meta = readMeta(view);
  let start = meta.end;
  if (meta.transferSyntax === deflated) {
    const inflated = inflate(bytes.subarray(start));
    if (!inflated) return { transferSyntax: deflated, view, elements: [], damaged: true };
    view = new DataView(inflated.buffer, inflated.byteOffset, inflated.byteLength);
    start = 0;
  }
  const encoding = encodingOf(meta.transferSyntax, view, start);
  const read = readElements(view, start, view.byteLength, encoding);
  const reachedPixels =
    Number.parseInt(view.byteLength - read.next >= 2 ? tagGroup(view, read.next, encoding) : "0", 16) >= 0x7fe0;
  return {
    transferSyntax: meta.transferSyntax || (encoding.explicit ? `${implicit}.1` : implicit),
    view,
    elements: read.elements,
    damaged: read.damaged && !reachedPixels && !isPixelElement(view, read.next, encoding),
  };
}

function readMeta(view: DataView): { transferSyntax: string; end: number } {
  let at = 132;
  let transferSyntax = "";
  // Element by element, because the group length is often wrong or missing.
  while (at + 8 <= view.byteLength && view.getUint16(at, true) === 2) {
    const long = ["OB", "UN", "UT", "OW"].includes(ascii(view, at + 4, 2));
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const offset = at + (long ? 12 : 8);
    if (offset + length > view.byteLength) break;
    if (view.getUint16(at + 2, true) === 0x10) transferSyntax = ascii(view, offset, length).replace(/[\0 ]+$/, "");
    at = offset + length;
  }
  return { transferSyntax, end: at };
}

function encodingOf(transferSyntax: string, view: DataView, at: number): Encoding {
  if (transferSyntax === implicit) return { explicit: false, little: true };
  if (transferSyntax === bigEndian) return { explicit: true, little: false };
  if (transferSyntax !== "") return { explicit: true, little: true };
  return { explicit: at + 6 <= view.byteLength && /^[A-Z]{2}$/.test(ascii(view, at + 4, 2)), little: true };
}

function inflate(bytes: Uint8Array): Buffer | undefined {
  try {
    return inflateRawSync(bytes);
  } catch {
    return undefined;
  }
}

function ascii(view: DataView, at: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, Math.min(length, view.byteLength - at)).toString("latin1");
}

function tagGroup(view: DataView, at: number, { little }: Encoding): string {
  return view.getUint16(at, little).toString(16);
}

/** After damage the cursor stands behind the header of the element that did not fit: 8 or 12 bytes after its tag. */
function isPixelElement(view: DataView, at: number, encoding: Encoding): boolean {
  return [8, 12].some(
    (header) =>
      at - header >= 0 && at + 2 - header <= view.byteLength && tagGroup(view, at - header, encoding) === "7fe0",
  );
}
