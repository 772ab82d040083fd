/**
 * Reads the elements of a DICOM dataset: offsets only, values stay in the file (DICOM PS3.5 §7).
 *
 * Own code where a parser package would do for most files: dicom-parser 1.8.21 gives OV, SV and UV a 16-bit length (all
 * that follows is then misread) and loses private sequences in implicit files. A test compares the two on real files.
 * A damaged file yields what was read before the damage, with `damaged` set.
 */
import { bulkVrs, dictionaryVr, knownVrs, longVrs } from "./dictionary.ts";

export type Encoding = { readonly explicit: boolean; readonly little: boolean };

export type Element = {
  /** 8 upper-case hex digits. */
  readonly tag: string;
  readonly vr: string;
  readonly offset: number;
  /** Bytes of the value; 0 for sequences and encapsulated pixel data. */
  readonly length: number;
  readonly little: boolean;
  readonly items?: readonly (readonly Element[])[];
};

export type ReadResult = { readonly elements: Element[]; readonly next: number; readonly damaged: boolean };

const undefinedLength = 0xffff_ffff;
const implicitLittle: Encoding = { explicit: false, little: true };
const maxDepth = 100;

class Damaged extends Error {}

/** Reads from `from` up to `to`, or (inside an item of undefined length) up to its delimiter. */
export function readElements(view: DataView, from: number, to: number, encoding: Encoding): ReadResult {
  const elements: Element[] = [];
  const cursor = { at: from };
  try {
    readInto(elements, view, cursor, to, encoding, 0);
    return { elements, next: cursor.at, damaged: false };
  } catch (error) {
    if (!(error instanceof Damaged) && !(error instanceof RangeError)) throw error;
    return { elements, next: cursor.at, damaged: true };
  }
}

type Cursor = { at: number };

function readInto(out: Element[], view: DataView, cursor: Cursor, to: number, encoding: Encoding, depth: number): void {
  if (depth > maxDepth) throw new Damaged("nested too deeply");
  while (cursor.at < to) {
    const tag = tagAt(view, cursor.at, encoding.little);
    if (tag === "FFFEE00D" || tag === "FFFEE0DD") {
      cursor.at += 8;
      return;
    }
    out.push(readElement(tag, view, cursor, to, encoding, depth));
  }
}

function readElement(
  tag: string,
  view: DataView,
  cursor: Cursor,
  to: number,
  encoding: Encoding,
  depth: number,
): Element {
  const { vr: named, length, header, written } = readHeader(tag, view, cursor.at, encoding);
  const offset = cursor.at + header;
  cursor.at = offset;
  // The dictionary is not the writer: old files hold text under tags that are sequences by now.
  const noItems = named === "SQ" && written !== "SQ" && length >= 8 && length !== undefinedLength;
  const vr = noItems && tagAt(view, offset, written !== "" || encoding.little) !== "FFFEE000" ? "UN" : named;
  // An explicit UN holds implicit little endian data, whatever the file's encoding (DICOM PS3.5 §6.2.2, CP 246).
  const inner = written === "UN" && encoding.explicit ? implicitLittle : encoding;
  if (vr === "SQ" || (length === undefinedLength && vr === "UN")) {
    const items = readItems(
      view,
      cursor,
      length === undefinedLength ? to : bounded(offset + length, to),
      length,
      inner,
      depth,
    );
    return { tag, vr: "SQ", offset, length: 0, little: inner.little, items };
  }
  if (length === undefinedLength) {
    skipFragments(view, cursor, to, encoding.little);
    return { tag, vr: bulkVrs.has(vr) ? vr : "OB", offset, length: 0, little: encoding.little };
  }
  cursor.at = bounded(offset + length, to);
  return { tag, vr, offset, length, little: inner.little };
}

function readHeader(tag: string, view: DataView, at: number, { explicit, little }: Encoding) {
  if (tag.startsWith("FFFE")) return { vr: "UN", written: "UN", length: view.getUint32(at + 4, little), header: 8 };
  const written = explicit ? String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5)) : "";
  // No letters where the VR should be: the element was written implicitly into an explicit file.
  if (!/^[A-Z]{2}$/.test(written)) {
    return { vr: dictionaryVr(tag) ?? "UN", written: "", length: view.getUint32(at + 4, little), header: 8 };
  }
  // PS3.5 §6.2: VRs of the future come with a 32-bit length.
  const long = longVrs.has(written) || !knownVrs.has(written);
  const length = long ? view.getUint32(at + 8, little) : view.getUint16(at + 6, little);
  const known = knownVrs.has(written) && written !== "UN" ? written : (dictionaryVr(tag) ?? "UN");
  return { vr: known, written, length, header: long ? 12 : 8 };
}

function readItems(
  view: DataView,
  cursor: Cursor,
  to: number,
  length: number,
  encoding: Encoding,
  depth: number,
): Element[][] {
  const items: Element[][] = [];
  while (cursor.at < to) {
    const tag = tagAt(view, cursor.at, encoding.little);
    const itemLength = view.getUint32(cursor.at + 4, encoding.little);
    cursor.at += 8;
    if (tag === "FFFEE0DD") break;
    if (tag !== "FFFEE000") throw new Damaged("no item in a sequence");
    const item: Element[] = [];
    items.push(item);
    const end = itemLength === undefinedLength ? to : bounded(cursor.at + itemLength, to);
    readInto(item, view, cursor, end, encoding, depth + 1);
    if (itemLength !== undefinedLength) cursor.at = end;
  }
  if (length !== undefinedLength) cursor.at = to;
  return items;
}

function skipFragments(view: DataView, cursor: Cursor, to: number, little: boolean): void {
  while (cursor.at < to) {
    const tag = tagAt(view, cursor.at, little);
    const length = view.getUint32(cursor.at + 4, little);
    cursor.at = bounded(cursor.at + 8 + length, to);
    if (tag === "FFFEE0DD") return;
    if (tag !== "FFFEE000") throw new Damaged("no fragment in encapsulated data");
  }
}

function bounded(end: number, to: number): number {
  if (end > to) throw new Damaged("an element is longer than what holds it");
  return end;
}

function tagAt(view: DataView, at: number, little: boolean): string {
  const number = view.getUint16(at, little) * 0x1_0000 + view.getUint16(at + 2, little);
  return number.toString(16).toUpperCase().padStart(8, "0");
}

/** Whether the service keeps the element's value in the metadata. */
export function isKept(element: Element): boolean {
  const { tag, vr } = element;
  if (tag < "00030000" || tag.endsWith("0000") || tag.startsWith("FFFE")) return false;
  return !bulkVrs.has(vr);
}
