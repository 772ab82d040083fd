import { expect, test } from "@jest/globals";
import dicomParser from "dicom-parser";
import type { Element } from "../../../emulators/dicom/element-reader.ts";
import { readPart10 } from "../../../emulators/dicom/part10.ts";
import { haveRealFiles, realFile, realFileNames } from "./files.ts";

type ParserElement = {
  tag: string;
  dataOffset: number;
  length: number;
  items?: { dataSet?: { elements: Record<string, ParserElement> } }[];
};

/** Where the two readers must agree: tag and, for plain values, place and length; the same inside items. */
function outline(elements: readonly Element[]): unknown[] {
  // The last one wins where a tag is repeated.
  return [...new Map(elements.map((element) => [element.tag, element])).values()]
    .filter(({ tag }) => tag > "0003" && !tag.startsWith("FFFE"))
    .toSorted((a, b) => (a.tag < b.tag ? -1 : 1))
    .map(({ tag, vr, offset, length, items }) =>
      items ? [tag, items.map(outline)] : length === 0 ? [tag] : [tag, vr === "UN" ? "" : offset, length],
    );
}

function theirOutline(elements: Record<string, ParserElement>, ours: readonly Element[]): unknown[] {
  const keys = Object.keys(elements)
    .filter((key) => key > "x0003" && !key.startsWith("xfffe"))
    .sort();
  return keys.map((key) => {
    const theirs = elements[key] as ParserElement;
    const tag = key.slice(1).toUpperCase();
    const mine = ours.findLast((element) => element.tag === tag);
    if (!mine?.items)
      return !mine || mine.length === 0 ? [tag] : [tag, mine.vr === "UN" ? "" : theirs.dataOffset, theirs.length];
    const items = mine.items;
    // The package keeps no items of private or UN sequences.
    if (!theirs.items?.length) return [tag, items.map(outline)];
    return [tag, theirs.items.map((item, index) => theirOutline(item.dataSet?.elements ?? {}, items[index] ?? []))];
  });
}

(haveRealFiles ? test : test.skip)("our reader and dicom-parser see the same elements in real files", () => {
  let compared = 0;
  const different: string[] = [];
  for (const name of realFileNames()) {
    const bytes = realFile(name);
    const ours = readPart10(bytes);
    if (!ours || ours.damaged || ours.transferSyntax === "1.2.840.10008.1.2.1.99") continue;
    const theirs = parse(bytes);
    if (!theirs) continue;
    compared++;
    if (JSON.stringify(outline(ours.elements)) !== JSON.stringify(theirOutline(theirs, ours.elements)))
      different.push(name);
  }
  expect(different).toEqual([]);
  expect(compared).toBeGreaterThan(200);
});

function parse(bytes: Uint8Array): Record<string, ParserElement> | undefined {
  try {
    return dicomParser.parseDicom(bytes).elements as Record<string, ParserElement>;
  } catch {
    return undefined;
  }
}

test("never throws and always ends, whatever the bytes are", () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed;
  };
  for (let round = 0; round < 2000; round++) {
    const body = Buffer.from(
      Array.from(
        { length: random() % 300 },
        () => [0, 0xff, 0xfe, 0xe0, 8, 0x53, 0x51, random() % 256][random() % 8] ?? 0,
      ),
    );
    const file = Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), body]);
    expect(readPart10(file)).toBeDefined();
  }
});
