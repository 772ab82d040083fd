import { describe, expect, test } from "@jest/globals";
import { datasetJson } from "../../../emulators/dicom/dataset-json.ts";
import { datasetText } from "../../../emulators/dicom/dicom-json.ts";
import { readPart10 } from "../../../emulators/dicom/part10.ts";
import { type Dataset, el, type WriteOptions, writePart10 } from "../../../emulators/samples/index.ts";

function read(bytes: Uint8Array): Record<string, { vr: string; Value?: unknown[] }> {
  return JSON.parse(text(bytes));
}

function text(bytes: Uint8Array): string {
  const file = readPart10(bytes);
  if (!file || file.damaged) throw new Error("not readable");
  return datasetText(datasetJson(file.view, file.elements));
}

/** Explicit little endian elements after a minimal file meta group. */
function raw(...elements: Buffer[]): Uint8Array {
  const syntax = element("00020010", "UI", "1.2.840.10008.1.2.1\0");
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), syntax, ...elements]);
}

function element(tag: string, vr: string, value: Buffer | string): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  const head = Buffer.alloc(6);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, "latin1");
  const long = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"].includes(vr);
  const length = Buffer.alloc(long ? 6 : 2);
  if (long) length.writeUInt32LE(bytes.length, 2);
  else length.writeUInt16LE(bytes.length, 0);
  return Buffer.concat([head, length, bytes]);
}

describe("values", () => {
  test.each([
    ["DS", "1.50\\ 2e-1 ", "[1.50,2e-1]"],
    ["DS", "+007.10", "[7.10]"],
    ["DS", "1\\abc", '["1","abc"]'],
    ["DS", "1\\\\2 ", "[1,null,2]"],
    ["DS", "12345678901234567890", '["12345678901234567890"]'],
    ["IS", " 7", "[7]"],
    ["IS", "1.0 ", '["1.0"]'],
    ["IS", "99999999999 ", '["99999999999"]'],
    ["LO", "a\\\\b ", '["a",null,"b"]'],
    ["LO", "A\0", '["A\\u0000"]'],
    ["ST", "a\\b ", '["a\\\\b"]'],
    ["UI", "1.2.3\0", '["1.2.3"]'],
    ["PN", "A^B=C", '[{"Alphabetic":"A^B","Ideographic":"C"}]'],
    ["PN", "==C ", '[{"Phonetic":"C"}]'],
    ["AS", "042Y", '["042Y"]'],
  ])("%s %j becomes %s", (vr, value, expected) => {
    expect(text(raw(element("00100021", vr, value)))).toBe(`{"00100021":{"vr":"${vr}","Value":${expected}}}`);
  });

  test("an empty element, or one of padding only, has no Value", () => {
    expect(text(raw(element("00100020", "LO", ""), element("00100021", "LO", "  ")))).toBe(
      '{"00100020":{"vr":"LO"},"00100021":{"vr":"LO"}}',
    );
  });

  test("64-bit integers keep all their digits", () => {
    const big = Buffer.alloc(8);
    big.writeBigUInt64LE(18_446_744_073_709_551_615n);
    expect(text(raw(element("00081302", "UV", big), element("00100020", "LO", "P1")))).toBe(
      '{"00081302":{"vr":"UV","Value":[18446744073709551615]},"00100020":{"vr":"LO","Value":["P1"]}}',
    );
  });

  test("attribute tags are 8 hex digits, NaN is a string, single precision stays short", () => {
    const at = Buffer.from([0x18, 0x00, 0x63, 0x10]);
    const nan = Buffer.alloc(4);
    nan.writeFloatLE(Number.NaN);
    const tenth = Buffer.alloc(4);
    tenth.writeFloatLE(0.1);
    expect(
      text(raw(element("00280009", "AT", at), element("00189073", "FL", nan), element("00189074", "FL", tenth))),
    ).toBe(
      '{"00189073":{"vr":"FL","Value":["NaN"]},"00189074":{"vr":"FL","Value":[0.1]},"00280009":{"vr":"AT","Value":["00181063"]}}',
    );
  });

  test("non-ASCII, quotes and + < > & ' are escaped as the service's encoder does", () => {
    const bytes = text(raw(element("00080005", "CS", "ISO_IR 100"), element("00100020", "LO", "\xe4\"+<>&'")));
    expect(bytes).toContain('"\\u00E4\\u0022\\u002B\\u003C\\u003E\\u0026\\u0027"');
  });
});

describe("what is left out", () => {
  test("bulk VRs, also inside sequences, file meta and group lengths", () => {
    const inner: Dataset = { "00080100": el("SH", "X"), "00420011": el("OB", "AAAA") };
    const json = read(
      writePart10({ "00081032": el("SQ", inner), "00282000": el("OB", "AAAA"), "7FE00010": el("OW", "AAAA") }),
    );
    expect(json).toEqual({ "00081032": { vr: "SQ", Value: [{ "00080100": { vr: "SH", Value: ["X"] } }] } });
    expect(read(raw(element("00080000", "UL", Buffer.alloc(4)), element("00080060", "CS", "CT")))).toEqual({
      "00080060": { vr: "CS", Value: ["CT"] },
    });
  });

  test("UN of an unknown tag is dropped, UN of a known one is read by the dictionary", () => {
    const json = read(
      raw(element("00090010", "LO", "ACME"), element("00091001", "UN", "ab"), element("00100020", "UN", "P1")),
    );
    expect(json).toEqual({ "00090010": { vr: "LO", Value: ["ACME"] }, "00100020": { vr: "LO", Value: ["P1"] } });
  });

  test("a sequence in UN holds implicit data, whatever the file's encoding (CP 246)", () => {
    const item = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 10, 0, 0, 0, 0x08, 0x00, 0x00, 0x01, 2, 0, 0, 0, 0x41, 0x42]);
    const json = read(raw(element("00081032", "UN", item), element("00100020", "LO", "P1")));
    expect(json["00081032"]).toEqual({ vr: "SQ", Value: [{ "00080100": { vr: "SH", Value: ["AB"] } }] });
    expect(json["00100020"]?.Value).toEqual(["P1"]);
  });
});

const transferSyntaxes: WriteOptions[] = [
  { transferSyntax: "implicit" },
  { transferSyntax: "implicit", undefinedLength: true },
  { transferSyntax: "explicit", undefinedLength: true },
  { transferSyntax: "deflated" },
  { transferSyntax: "bigEndian" },
  { transferSyntax: "bigEndian", undefinedLength: true },
];

test.each(transferSyntaxes)("the same dataset in %j gives the same metadata", (options) => {
  const dataset: Dataset = {
    "00080005": el("CS", "ISO_IR 192"),
    "00080060": el("CS", "CT"),
    "00081032": el("SQ", { "00080100": el("SH", "X"), "0040A043": el("SQ", { "00080104": el("LO", "Schädel") }) }),
    "0008114A": el("SQ"),
    "00100010": el("PN", { Alphabetic: "Yamada^Tarou", Ideographic: "山田^太郎" }),
    "00280010": el("US", 512),
    "00281050": el("DS", "40", "1.5"),
    "00189073": el("FD", 1.25),
  };
  expect(read(writePart10(dataset, options))).toEqual(read(writePart10(dataset)));
  expect(read(writePart10(dataset, options))["00081032"]?.Value).toEqual([
    {
      "00080100": { vr: "SH", Value: ["X"] },
      "0040A043": { vr: "SQ", Value: [{ "00080104": { vr: "LO", Value: ["Schädel"] } }] },
    },
  ]);
});

describe("character sets", () => {
  const name = { Alphabetic: "Yamada^Tarou", Ideographic: "山田^太郎", Phonetic: "やまだ^たろう" };
  test.each([
    [["", "ISO 2022 IR 87"], name],
    [["ISO 2022 IR 13", "ISO 2022 IR 87"], { ...name, Alphabetic: "ﾔﾏﾀﾞ^ﾀﾛｳ" }],
    [["", "ISO 2022 IR 149"], { Alphabetic: "Hong^Gildong", Ideographic: "洪^吉洞", Phonetic: "홍^길동" }],
    [["", "ISO 2022 IR 58"], { Alphabetic: "Zhang^XiaoDong", Ideographic: "张^小东" }],
    [["GB18030"], { Alphabetic: "Wang^XiaoDong", Ideographic: "王^小东" }],
    [["ISO_IR 192"], name],
    [["ISO_IR 100"], { Alphabetic: "Buc^Jérôme" }],
    [["ISO_IR 101"], { Alphabetic: "Wałęsa^Łódź" }],
    [["ISO_IR 144"], { Alphabetic: "Люкceмбypг" }],
    [["ISO_IR 127"], { Alphabetic: "قباني^لنزار" }],
    [["ISO_IR 126"], { Alphabetic: "Διονυσιος" }],
    [["ISO_IR 138"], { Alphabetic: "שרון^דבורה" }],
    [["ISO_IR 148"], { Alphabetic: "Çavuşoğlu^Işıl" }],
  ])("%j", (terms, expected) => {
    const json = read(writePart10({ "00080005": el("CS", ...terms), "00100010": el("PN", expected) }));
    expect(json["00100010"]?.Value).toEqual([expected]);
  });

  test("a declared set may be misspelt, an undeclared escape is still understood, an unknown set is read as Latin-1", () => {
    const japanese = "\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B ";
    expect(
      read(raw(element("00080005", "CS", "ISO IR 100"), element("00100020", "LO", "\xe4 ")))["00100020"]?.Value,
    ).toEqual(["ä"]);
    expect(read(raw(element("00100010", "PN", japanese)))["00100010"]?.Value).toEqual([{ Alphabetic: "山田^太郎" }]);
    expect(
      read(raw(element("00080005", "CS", "ISO_IR 999"), element("00100020", "LO", "\xe4 ")))["00100020"]?.Value,
    ).toEqual(["ä"]);
  });

  test("an item has its own character set, or that of what holds it", () => {
    const item = (set: string[]) => ({
      ...(set.length > 0 && { "00080005": el("CS", ...set) }),
      "00080104": el("LO", "Ж"),
    });
    const dataset: Dataset = {
      "00080005": el("CS", "ISO_IR 144"),
      "00081032": el("SQ", item([]), item(["ISO_IR 192"])),
    };
    const items = read(writePart10(dataset))["00081032"]?.Value as Record<string, { Value?: unknown[] }>[];
    expect(items.map((one) => one["00080104"]?.Value)).toEqual([["Ж"], ["Ж"]]);
  });
});
