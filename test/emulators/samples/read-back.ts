// Reads Part 10 bytes back with independent code (dicom-parser, dicom-character-set) into the DICOM JSON model.
import { convertBytes } from "dicom-character-set";
import dicomParser from "dicom-parser";
import type { Dataset, Value } from "../../../emulators/samples/index.ts";

const LOCALIZED = new Set(["LO", "LT", "PN", "SH", "ST", "UC", "UT"]);
type Parsed = dicomParser.DataSet;

function name(text: string): Value {
  const [a = "", i = "", p = ""] = text.split("=");
  return {
    ...(a ? { Alphabetic: a } : {}),
    ...(i ? { Ideographic: i } : {}),
    ...(p ? { Phonetic: p } : {}),
  };
}

function elementValues(set: Parsed, tag: string, vr: string, charsets: string): (Value | null)[] {
  const element = set.elements[tag];
  if (element === undefined || element.length === 0) return [];
  const count = (width: number): number[] => Array.from({ length: element.length / width }, (_, i) => i);
  if (vr === "US") return count(2).map((i) => set.uint16(tag, i) ?? null);
  if (vr === "UL") return count(4).map((i) => set.uint32(tag, i) ?? null);
  if (vr === "FD") return count(8).map((i) => set.double(tag, i) ?? null);
  if (vr === "AT") return [set.attributeTag(tag)?.slice(1).toUpperCase() ?? null];
  const bytes = set.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
  const text =
    LOCALIZED.has(vr) && charsets !== ""
      ? convertBytes(charsets, new Uint8Array(bytes), { vr })
      : Buffer.from(bytes).toString("latin1");
  const values = ["UT", "LT", "ST"].includes(vr) ? [text.trimEnd()] : text.split("\\");
  return values.map((value) => {
    const bare = value.replace(/[ \0]+$/, "");
    if (bare === "") return null;
    if (vr === "PN") return name(bare);
    return vr === "IS" || vr === "DS" ? Number(bare) : bare;
  });
}

/** `vrs`: the dataset that was written, which tells the VRs of an implicit file. Bulk data are left out. */
function fromParsed(set: Parsed, written: Dataset, outer: string): Dataset {
  const own = set.elements.x00080005;
  const all = own === undefined ? outer : readCharsets(set);
  const entries = Object.entries(set.elements)
    .map(([key, element]) => ({ key, element, tag: key.slice(1).toUpperCase() }))
    .filter(({ tag }) => !/^(0002|FFFE)/.test(tag) && tag !== "7FE00010")
    .sort((a, b) => (a.tag < b.tag ? -1 : 1))
    .map(({ key, element, tag }) => {
      const vr = element.vr ?? written[tag]?.vr ?? "UN";
      if (vr === "SQ") {
        const items = (element.items ?? []).map((item, i) =>
          fromParsed(item.dataSet as Parsed, (written[tag]?.Value?.[i] ?? {}) as Dataset, all),
        );
        return [tag, items.length === 0 ? { vr } : { vr, Value: items }] as const;
      }
      const values = elementValues(set, key, vr, all);
      return [tag, values.length === 0 ? { vr } : { vr, Value: values }] as const;
    });
  return Object.fromEntries(entries);
}

function readCharsets(set: Parsed): string {
  const element = set.elements.x00080005;
  if (element === undefined) return "";
  const bytes = set.byteArray.subarray(element.dataOffset, element.dataOffset + element.length);
  return Buffer.from(bytes).toString("latin1").trimEnd();
}

/** Parses one file; the transfer syntax comes from its meta information. */
export function readBack(file: Uint8Array, written: Dataset = {}): { transferSyntax: string; dataset: Dataset } {
  const set = dicomParser.parseDicom(new Uint8Array(file), {
    vrCallback: (tag) => written[tag.slice(1).toUpperCase()]?.vr,
  });
  return { transferSyntax: set.string("x00020010") ?? "", dataset: fromParsed(set, written, "") };
}

/** What a reader should get of a dataset: no bulk data, keys in tag order. */
export function readable(dataset: Dataset): Dataset {
  return Object.fromEntries(
    Object.entries(dataset)
      .filter(([, element]) => element.bytes === undefined && element.fragments === undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
