/** Code items: scheme → system by mapping rule D.5, values, equivalents. */
import { describe, expect, test } from "@jest/globals";
import { BODY_PARTS } from "../../src/mapping/body-part-table.ts";
import { codeContext, readCode, readCodes } from "../../src/mapping/codes.ts";
import { CODING_SCHEMES } from "../../src/mapping/coding-schemes.ts";
import type { IssueCode } from "../../src/mapping/issues.ts";
import { SNOMED_RT_CODES } from "../../src/mapping/snomed-rt-table.ts";
import { element, type Json, OPTIONS, sequence } from "./datasets.ts";

function code(value: string | undefined, scheme: string | undefined, meaning?: string, more: Json = {}): Json {
  return {
    ...(value === undefined ? {} : { "00080100": element("SH", value) }),
    ...(scheme === undefined ? {} : { "00080102": element("SH", scheme) }),
    ...(meaning === undefined ? {} : { "00080104": element("LO", meaning) }),
    ...more,
  };
}

function read(
  item: Json,
  { codeSystems = {}, dataset = {} }: { codeSystems?: Record<string, string>; dataset?: Json } = {},
) {
  const issues: IssueCode[] = [];
  const context = codeContext(dataset, { ...OPTIONS, codeSystems }, () => {});
  const concept = readCode(item, "ProcedureCodeSequence", context, (_keyword, issue) => issues.push(issue));
  return { concept, issues };
}

/** The last digit of an SCTID is a check digit (Verhoeff), so that a slip in the table shows. */
function isSctid(text: string): boolean {
  const permute = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
  const times = (a: number, b: number) => {
    const rotated =
      a < 5 ? (b < 5 ? (a + b) % 5 : ((a + b - 5) % 5) + 5) : b < 5 ? ((a - 5 + 5 - b) % 5) + 5 : (a - b + 5) % 5;
    return rotated;
  };
  const power = (digit: number, at: number) =>
    Array.from({ length: at % 8 }).reduce<number>((one) => permute[one] ?? 0, digit);
  const sum = [...text].reverse().reduce((total, digit, at) => times(total, power(Number(digit), at)), 0);
  return /^\d{6,18}$/.test(text) && sum === 0;
}

describe("the scheme becomes a system", () => {
  test("a known designator, in any letter case", () => {
    expect(read(code("24627-2", "LN", "CT Chest")).concept).toEqual({
      coding: [{ system: "http://loinc.org", code: "24627-2", display: "CT Chest" }],
      text: "CT Chest",
    });
    expect(read(code("RPID16", "RadLex", "CT")).concept?.coding?.[0]?.system).toBe("http://radlex.org");
  });

  test("the UID goes before the designator, and an unknown UID is a system of its own", () => {
    const uid = (value: string) => ({ "0008010C": element("UI", value) });
    expect(read(code("X", "DCM", "x", uid("2.16.840.1.113883.6.1"))).concept?.coding?.[0]?.system).toBe(
      "http://loinc.org",
    );
    expect(read(code("CTHEAD", "99HOSP", "Head", uid("1.2.276.0.1"))).concept?.coding).toEqual([
      { system: "urn:oid:1.2.276.0.1", code: "CTHEAD", display: "Head" },
    ]);
    expect(read(code("CTHEAD", "99HOSP", "Head", uid("not a uid"))).concept).toEqual({ text: "Head" });
  });

  test("the dataset's own list of schemes gives the UID of a designator", () => {
    const dataset = {
      "00080110": sequence({ "00080102": element("SH", "99HOSP"), "0008010C": element("UI", "1.2.276.0.1") }),
    };
    expect(read(code("CTHEAD", "99HOSP", "Head"), { dataset }).concept?.coding?.[0]?.system).toBe(
      "urn:oid:1.2.276.0.1",
    );
  });

  test("the site's map gives the system of a private scheme", () => {
    const codeSystems = { "99HOSP": "http://hospital.example/codes" };
    expect(read(code("CTHEAD", "99HOSP", "Head"), { codeSystems }).concept?.coding?.[0]?.system).toBe(
      "http://hospital.example/codes",
    );
    expect(
      read(code("a", "DCM", "b"), { codeSystems: { DCM: "http://other.example" } }).concept?.coding?.[0]?.system,
    ).toBe("http://dicom.nema.org/resources/ontology/DCM");
  });

  test("a private scheme without a system is text only, with an issue; names of Object.prototype are no schemes", () => {
    expect(read(code("CTHEAD", "99HOSP", "Head"))).toEqual({ concept: { text: "Head" }, issues: ["uncoded"] });
    expect(read(code("CTHEAD", "99HOSP"))).toEqual({ concept: { text: "CTHEAD" }, issues: ["uncoded"] });
    for (const name of ["constructor", "__proto__", "toString"])
      expect(read(code("1", name, "x")).concept).toEqual({ text: "x" });
  });

  test("every system of the table is an absolute URI, no designator or UID is in it twice, each names its source", () => {
    const names = CODING_SCHEMES.flatMap(({ designators, uids }) => [...designators, ...uids]);
    expect(new Set(names).size).toBe(names.length);
    for (const { system, source, designators } of CODING_SCHEMES) {
      expect(system).toMatch(/^(https?:\/\/|urn:)\S+$/);
      expect(source).not.toBe("");
      expect(designators.every((name) => name === name.toUpperCase())).toBe(true);
    }
  });
});

describe("the code", () => {
  test("the tables of SNOMED RT codes agree: each code once, with one SNOMED CT code", () => {
    const annexL = new Map(BODY_PARTS.map(({ snomedRt, code: sctid }) => [snomedRt, sctid]));
    expect(SNOMED_RT_CODES.size).toBeGreaterThan(140);
    expect(isSctid("77477001")).toBe(false);
    for (const [snomedRt, { code: sctid, meaning }] of SNOMED_RT_CODES) {
      expect(snomedRt).toMatch(/^[A-Z]{1,2}\d?-[0-9A-F]{4,5}$/);
      expect(isSctid(sctid)).toBe(true);
      expect(meaning).toMatch(/^\S+( \S+)*$/);
      expect(annexL.has(snomedRt)).toBe(false);
    }
  });

  test("SNOMED RT is translated by Annex O, what has no translation is text", () => {
    for (const scheme of ["SRT", "SNM3", "99SDM", "SCT"])
      expect(read(code("T-D4000", scheme, "Abdomen")).concept?.coding).toEqual([
        { system: "http://snomed.info/sct", code: "818981001", display: "Abdomen" },
      ]);
    expect(read(code("P5-00000", "SRT", "Something old"))).toEqual({
      concept: { text: "Something old" },
      issues: ["uncoded"],
    });
  });

  test("a long code value and a URN are read where the code value is absent", () => {
    expect(
      read(code(undefined, "SCT", "x", { "00080119": element("UC", "12345678901234567") })).concept?.coding?.[0]?.code,
    ).toBe("12345678901234567");
    expect(
      read(code(undefined, undefined, "x", { "00080120": element("UR", "urn:lex:us:federal") })).concept?.coding,
    ).toEqual([{ system: "urn:ietf:rfc:3986", code: "urn:lex:us:federal", display: "x" }]);
  });

  test("equivalent codes are further codings, each once", () => {
    const equivalent = {
      "00080121": sequence(code("24627-2", "LN", "CT Chest"), code("1", "99X", "y"), code("77477000", "SCT", "CT")),
    };
    expect(read(code("77477000", "SCT", "CT", equivalent)).concept).toEqual({
      coding: [
        { system: "http://snomed.info/sct", code: "77477000", display: "CT" },
        { system: "http://loinc.org", code: "24627-2", display: "CT Chest" },
      ],
      text: "CT",
    });
  });

  test("a code with spaces that FHIR's code does not allow is text only", () => {
    expect(read(code("A  B", "DCM", "x")).concept).toEqual({ text: "x" });
  });

  test("an item without code and meaning is nothing", () => {
    expect(read({ "00080102": element("SH", "DCM") })).toEqual({ concept: undefined, issues: [] });
  });

  test("equal items count once, and a sequence has an end", () => {
    const many = Array.from({ length: 100 }, (_, index) => code(`${index}`, "DCM", `m${index}`));
    const issues: IssueCode[] = [];
    const dataset = { "00081032": sequence(code("1", "DCM", "m1"), ...many) };
    const context = codeContext(dataset, OPTIONS, () => {});
    const found = readCodes(dataset, "ProcedureCodeSequence", context, (_keyword, issue) => issues.push(issue));
    expect(found).toHaveLength(32);
    expect(found.map(({ text }) => text).slice(0, 3)).toEqual(["m1", "m0", "m2"]);
    expect(issues).toEqual(["too-many-values"]);
  });
});
