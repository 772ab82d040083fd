import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import dicomParser from "dicom-parser";
import {
  code,
  type Dataset,
  el,
  encodeText,
  personName,
  TRANSFER_SYNTAX,
  writePart10,
} from "../../../emulators/samples/index.ts";
import { readable, readBack } from "./read-back.ts";

const uids: Dataset = {
  "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.7"),
  "00080018": el("UI", "2.25.123"),
  "0020000D": el("UI", "2.25.1"),
  "0020000E": el("UI", "2.25.12"),
};

const rich: Dataset = {
  ...uids,
  "00080005": el("CS", "ISO_IR 100"),
  "00080008": el("CS", "ORIGINAL", null, "AXIAL"),
  "00081030": el("LO", "Schädel"),
  "00081032": el("SQ", code("CTABD", "99LOCAL", "Bäuche"), code("X", "99LOCAL", "odd")),
  "0008114A": el("SQ"),
  "00100010": el("PN", personName("Müller^Jürgen")),
  "00180050": el("DS", 1.5),
  "00189073": el("FD", 1.5),
  "00200013": el("IS", 7),
  "00280009": el("AT", "00181063"),
  "00280010": el("US", 2, 3),
  "0040A730": el("SQ", { "0040A730": el("SQ", { "0040A160": el("UT", "nested ü") }) }),
  "7FE00010": { vr: "OW", bytes: Uint8Array.of(1, 2, 3, 4) },
};

describe("writePart10", () => {
  test.each(["explicit", "implicit"] as const)("an independent parser reads every element back: %s", (name) => {
    for (const undefinedLength of [false, true]) {
      const file = writePart10(rich, { transferSyntax: name, undefinedLength });
      const read = readBack(file, { ...rich, ...code("", "", ""), "0040A160": el("UT") });
      expect(read.transferSyntax).toBe(TRANSFER_SYNTAX[name]);
      expect(read.dataset).toEqual(readable(rich));
    }
  });

  test("deflated is the explicit form, compressed behind the meta information", () => {
    // (0002,0000) is 12 bytes at 132; its value counts the rest of the group.
    const body = (file: Uint8Array): Buffer => Buffer.from(file).subarray(144 + Buffer.from(file).readUInt32LE(140));
    const deflated = body(writePart10(rich, { transferSyntax: "deflated" }));
    expect(inflateRawSync(deflated).equals(body(writePart10(rich)))).toBe(true);
  });

  test("big endian keeps numbers and text", () => {
    const set = dicomParser.parseDicom(writePart10(rich, { transferSyntax: "bigEndian" }));
    expect([set.uint16("x00280010"), set.uint16("x00280010", 1), set.double("x00189073")]).toEqual([2, 3, 1.5]);
    expect(set.string("x0020000d")).toBe("2.25.1");
  });

  test("every value has an even length and the right padding", () => {
    const set = dicomParser.parseDicom(writePart10({ ...rich, "7FE00010": { vr: "OB", bytes: Uint8Array.of(9) } }));
    const last = (tag: string): number | undefined => {
      const element = set.elements[tag];
      return element === undefined ? undefined : set.byteArray[element.dataOffset + element.length - 1];
    };
    expect(Object.values(set.elements).filter((element) => element.length % 2 !== 0)).toEqual([]);
    expect([last("x0020000e"), last("x00081030"), last("x7fe00010")]).toEqual([0, 0x20, 0]);
  });

  test("compressed frames become fragments behind an empty offset table", () => {
    const fragments = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
    const set = dicomParser.parseDicom(writePart10({ ...uids, "7FE00010": { vr: "OB", fragments } }));
    expect(set.string("x00020010")).toBe(TRANSFER_SYNTAX.rle);
    expect(set.elements.x7fe00010?.fragments?.map((fragment) => fragment.length)).toEqual([4, 2]);
  });
});

describe("character sets", () => {
  test.each([
    [["ISO_IR 192"], "Müller^Jürgen=山田^太郎"],
    [["ISO_IR 100"], "Müller^Jürgen"],
    [["ISO_IR 101"], "Wałęsa^Lech"],
    [["ISO_IR 126"], "Παπαδοπούλου^Ελένη"],
    [["ISO_IR 144"], "Люкceмбypг"],
    [["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"],
    [["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"],
    [["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"],
    [["ISO 2022 IR 100", "ISO 2022 IR 126"], "Müller=Ελένη"],
    [["GB18030"], "Wang^XiaoDong=王^小东"],
    [["GBK"], "Wang^XiaoDong=王^小东"],
  ])("%j: a name comes back as it was", (charsets, name) => {
    const dataset: Dataset = {
      ...uids,
      "00080005": el("CS", ...charsets.map((set) => (set === "" ? null : set))),
      "00100010": el("PN", personName(name)),
    };
    expect(readBack(writePart10(dataset)).dataset["00100010"]).toEqual(el("PN", personName(name)));
  });

  test("the Japanese and Korean examples of PS3.5 Annexes H and I give the bytes printed there", () => {
    const bytes = (name: string, sets: string[]): string =>
      Buffer.from(encodeText(name, sets, "PN")).toString("latin1");
    expect(bytes("Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"])).toBe(
      "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    );
    expect(bytes("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", ["ISO 2022 IR 13", "ISO 2022 IR 87"])).toBe(
      "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
    );
    expect(bytes("Hong^Gildong=洪^吉洞=홍^길동", ["", "ISO 2022 IR 149"])).toBe(
      "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
    );
  });

  test("a character outside the sets is refused, never replaced", () => {
    expect(() => encodeText("山", ["ISO_IR 100"], "LO")).toThrow(RangeError);
    expect(() => encodeText("x", ["ISO_IR 999"], "LO")).toThrow(RangeError);
  });
});
