/** What real devices and servers write about a patient, with the one right result each. */
import { describe, expect, test } from "@jest/globals";
import { element, issuesOf, mapImage, patientOf } from "./datasets.ts";

describe("Patient ID", () => {
  test.each([{ value: element("LO", "123", "456") }, { value: element("LO", "123\\456") }])(
    "several values: the first is the key, the others are further identifiers ($value.Value)",
    ({ value }) => {
      const mapped = mapImage({ "00100020": value });
      expect(patientOf(mapped)?.identifier?.map((one) => one.value)).toEqual(["123", "456"]);
      expect(mapped.subject).toMatchObject({ identifier: { system: "urn:oid:1.2.826.99", value: "123" } });
      expect(issuesOf(mapped)).toContain("PatientID multiple-values");
    },
  );

  test.each<[string, unknown]>([
    ["no element", undefined],
    ["no Value", { vr: "LO" }],
    ["an empty list", { vr: "LO", Value: [] }],
    ["an empty text", element("LO", "")],
    ["null", element("LO", null)],
    ["spaces", element("LO", "   ")],
  ])("%s: the study is written, its subject is unidentified", (_name, value) => {
    const mapped = mapImage({ "00100020": value });
    expect(mapped.subject).toEqual({ kind: "unidentified", display: "Jane Doe" });
    expect(mapped.imagingStudy.numberOfInstances).toBe(1);
    expect(issuesOf(mapped)).toEqual(["PatientID missing"]);
  });

  test("characters with a meaning elsewhere are kept as they are", () => {
    const mapped = mapImage({ "00100020": element("LO", " A&B|C,D+E F$ ") });
    expect(mapped.subject).toMatchObject({ identifier: { value: "A&B|C,D+E F$" } });
  });

  test("a control character inside an ID never makes another patient's ID of it", () => {
    const mapped = mapImage({ "00100020": element("LO", "12\u00003") });
    expect(mapped.subject).toMatchObject({ identifier: { value: "12\ufffd3" } });
    expect(issuesOf(mapped)).toEqual(["PatientID malformed-text"]);
  });

  test("a number in place of a text is its digits", () => {
    expect(mapImage({ "00100020": element("LO", 4711) }).subject).toMatchObject({ identifier: { value: "4711" } });
  });
});

describe("person names", () => {
  test.each(["SMITH", "SMITH, JOHN", "آدم كوري"])(
    "%s without separators is the family name as a whole, nothing guessed",
    (name) => {
      const [first] = patientOf(mapImage({ "00100010": element("PN", { Alphabetic: name }) }))?.name ?? [];
      expect(first).toMatchObject({ family: name, text: name });
      expect(first?.given).toBeUndefined();
    },
  );

  test.each<[string, unknown]>([
    ["separators only", element("PN", { Alphabetic: "^^^^" })],
    ["a space", element("PN", " ")],
    ["an empty object", element("PN", {})],
    ["null", element("PN", null)],
  ])("%s: no name is written", (_name, value) => {
    const mapped = mapImage({ "00100010": value });
    expect(patientOf(mapped)).not.toHaveProperty("name");
    expect(mapped.subject.display).toBeUndefined();
  });

  test.each<[string, unknown]>([
    ["an object", { Alphabetic: "Yamada^Tarou", Ideographic: "山田^太郎", Phonetic: "やまだ^たろう" }],
    ["one text with equals signs", "Yamada^Tarou=山田^太郎=やまだ^たろう"],
    ["equals signs inside the first group", { Alphabetic: "Yamada^Tarou=山田^太郎=やまだ^たろう" }],
  ])("three groups in %s are three names, marked ABC, IDE, SYL", (_name, value) => {
    const names = patientOf(mapImage({ "00100010": element("PN", value) }))?.name ?? [];
    expect(names.map((name) => [name.extension?.[0]?.valueCode, name.family, name.given, name.text])).toEqual([
      ["ABC", "Yamada", ["Tarou"], "Tarou Yamada"],
      ["IDE", "山田", ["太郎"], "山田 太郎"],
      ["SYL", "やまだ", ["たろう"], "やまだ たろう"],
    ]);
  });

  test("all five components find their place", () => {
    const [name] =
      patientOf(mapImage({ "00100010": element("PN", { Alphabetic: "Adams^John Robert^Quincy^Rev.^B.A. M.Div." }) }))
        ?.name ?? [];
    expect(name).toMatchObject({
      family: "Adams",
      given: ["John Robert", "Quincy"],
      prefix: ["Rev."],
      suffix: ["B.A. M.Div."],
      text: "Rev. John Robert Quincy Adams B.A. M.Div.",
    });
  });

  test("given names are cut at spaces only where that is asked for", () => {
    const value = { "00100010": element("PN", { Alphabetic: "van der Berg^Mary  Ann" }) };
    expect(patientOf(mapImage(value, { splitGiven: true }))?.name?.[0]).toMatchObject({
      family: "van der Berg",
      given: ["Mary", "Ann"],
    });
  });
});

describe("birth date", () => {
  test.each<[string, string | undefined, string[]]>([
    ["00000000", undefined, ["invalid-date"]],
    ["19000000", undefined, ["invalid-date"]],
    ["1950.01.01", "1950-01-01", ["legacy-date"]],
    ["1950", "1950", ["partial-date"]],
    ["195001", "1950-01", ["partial-date"]],
    ["195013", undefined, ["invalid-date"]],
    ["20230230", undefined, ["invalid-date"]],
    ["20240229", "2024-02-29", []],
    ["19000229", undefined, ["invalid-date"]],
    ["19500101-19501231", undefined, ["invalid-date"]],
    ["19500101 ", "1950-01-01", []],
  ])("%s", (value, expected, issues) => {
    const mapped = mapImage({ "00100030": element("DA", value) });
    expect(patientOf(mapped)?.birthDate).toBe(expected);
    expect(issuesOf(mapped)).toEqual(issues.map((code) => `PatientBirthDate ${code}`));
  });
});

describe("sex", () => {
  test.each<[string, string | undefined, string[]]>([
    ["F", "female", []],
    ["O", "other", []],
    ["U", "unknown", []],
    ["m", "male", []],
    ["Male", "male", []],
    ["X", undefined, ["PatientSex unknown-code"]],
    ["", undefined, []],
  ])("'%s'", (value, expected, issues) => {
    const mapped = mapImage({ "00100040": element("CS", value) });
    expect(patientOf(mapped)?.gender).toBe(expected);
    expect(issuesOf(mapped)).toEqual(issues);
  });
});
