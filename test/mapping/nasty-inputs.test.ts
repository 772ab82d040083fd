/** Inputs that real devices and servers produce, with the one right result each. */
import { describe, expect, test } from "@jest/globals";
import { buildStudy } from "../../src/mapping/index.ts";
import { studyId } from "../../src/study.ts";
import {
  ctImage,
  element,
  firstSeries,
  issuesOf,
  type Json,
  mapImage,
  mapStudy,
  OPTIONS,
  reduceAll,
  sequence,
} from "./datasets.ts";

const DCM = "http://dicom.nema.org/resources/ontology/DCM";
const SNOMED = "http://snomed.info/sct";

describe("study time", () => {
  test.each<[string | undefined, string | undefined, string, string[]]>([
    [undefined, "+0100", "2024-01-05", []],
    ["1011", "+0100", "2024-01-05T10:11:00+01:00", []],
    ["10", "+0100", "2024-01-05", []],
    ["101112.123456", "+0100", "2024-01-05T10:11:12.123456+01:00", []],
    ["10:11:12", "+0100", "2024-01-05T10:11:12+01:00", []],
    ["246000", "+0100", "2024-01-05", ["StudyTime invalid-time"]],
    ["101160", "+0100", "2024-01-05", ["StudyTime invalid-time"]],
    ["000000.000", "+0100", "2024-01-05T00:00:00.000+01:00", []],
    ["101112", undefined, "2024-01-05", []],
    ["101112", "+0200", "2024-01-05T10:11:12+02:00", []],
    ["101112", "+02:00", "2024-01-05T10:11:12+02:00", ["TimezoneOffsetFromUTC offset-repaired"]],
    ["101112", "UTC-04:00", "2024-01-05T10:11:12-04:00", ["TimezoneOffsetFromUTC offset-repaired"]],
    ["101112", "-0000", "2024-01-05T10:11:12+00:00", ["TimezoneOffsetFromUTC offset-repaired"]],
    ["101112", "+1500", "2024-01-05", ["TimezoneOffsetFromUTC invalid-offset"]],
    ["101112", "0", "2024-01-05", ["TimezoneOffsetFromUTC invalid-offset"]],
  ])("%s with offset %s is %s", (time, offset, expected, issues) => {
    const mapped = mapImage({
      "00080030": time === undefined ? undefined : element("TM", time),
      "00080201": offset === undefined ? undefined : element("SH", offset),
    });
    expect(mapped.imagingStudy.started).toBe(expected);
    expect(issuesOf(mapped)).toEqual(issues);
  });

  test.each<[string, string, string, string, string[]]>([
    ["Europe/Berlin", "20240115", "101112", "2024-01-15T10:11:12+01:00", []],
    ["Europe/Berlin", "20240715", "101112", "2024-07-15T10:11:12+02:00", []],
    ["Europe/Berlin", "20241027", "023000", "2024-10-27T02:30:00+02:00", []],
    ["Europe/Berlin", "20241027", "033000", "2024-10-27T03:30:00+01:00", []],
    ["Europe/Berlin", "20240331", "023000", "2024-03-31", ["StudyTime no-such-local-time"]],
    ["America/New_York", "20241103", "013000", "2024-11-03T01:30:00-04:00", []],
    ["America/New_York", "20240310", "023000", "2024-03-10", ["StudyTime no-such-local-time"]],
    ["Australia/Lord_Howe", "20240407", "014500", "2024-04-07T01:45:00+11:00", []],
    ["Asia/Kolkata", "20240105", "101112", "2024-01-05T10:11:12+05:30", []],
  ])("in %s, %s %s is %s", (timeZone, date, time, expected, issues) => {
    const mapped = mapImage({ "00080020": element("DA", date), "00080030": element("TM", time) }, { timeZone });
    expect(mapped.imagingStudy.started).toBe(expected);
    expect(issuesOf(mapped)).toEqual(issues);
  });

  test("the offset attribute wins over the configured zone, an unusable one does not", () => {
    const zone = { timeZone: "Europe/Berlin" };
    expect(mapImage({ "00080201": element("SH", "-0500") }, zone).imagingStudy.started).toBe(
      "2024-01-05T10:11:12-05:00",
    );
    expect(mapImage({ "00080201": element("SH", "+1500") }, zone).imagingStudy.started).toBe(
      "2024-01-05T10:11:12+01:00",
    );
  });

  test("a time without a date gives nothing", () => {
    expect(mapImage({ "00080020": undefined, "00080201": element("SH", "+0100") }).imagingStudy).not.toHaveProperty(
      "started",
    );
  });
});

describe("modality", () => {
  test.each<[string, unknown, unknown, string[]]>([
    ["absent", undefined, { system: DCM, code: "CT", display: "Computed Tomography" }, ["Modality derived"]],
    ["empty", element("CS", ""), { system: DCM, code: "CT", display: "Computed Tomography" }, ["Modality derived"]],
    ["padded", element("CS", "CT "), { system: DCM, code: "CT", display: "Computed Tomography" }, []],
    [
      "two values",
      element("CS", "CT\\PT"),
      { system: DCM, code: "CT", display: "Computed Tomography" },
      ["Modality multiple-values"],
    ],
    ["in lower case", element("CS", "ct"), { system: DCM, code: "CT", display: "Computed Tomography" }, []],
    ["not a term of DICOM", element("CS", "SCOUT"), { display: "SCOUT" }, ["Modality uncoded"]],
  ])("%s", (_name, value, expected, issues) => {
    const mapped = mapImage({ "00080060": value });
    expect(firstSeries(mapped)?.modality).toEqual(expected);
    expect(issuesOf(mapped)).toEqual(issues);
  });

  test("absent, with a class that implies none: data-absent-reason, never an empty code", () => {
    const mapped = mapImage({ "00080060": undefined, "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.7") });
    expect(firstSeries(mapped)?.modality).toEqual({
      extension: [{ url: "http://hl7.org/fhir/StructureDefinition/data-absent-reason", valueCode: "unknown" }],
    });
    expect(mapped.imagingStudy).not.toHaveProperty("modality");
    expect(issuesOf(mapped)).toEqual(["Modality missing"]);
  });
});

describe("UIDs", () => {
  test("a leading zero is kept with an issue, padding is taken off", () => {
    const mapped = mapImage({ "00080018": element("UI", "1.2.03.4\u0000"), "0020000E": element("UI", " 1.2.3 ") });
    expect(firstSeries(mapped)).toMatchObject({ uid: "1.2.3", instance: [{ uid: "1.2.03.4" }] });
    expect(issuesOf(mapped)).toEqual(["SOPInstanceUID leading-zero"]);
  });

  const tooLong = `1.${"2".repeat(64)}`;
  test.each<[string, Json, string]>([
    ["a series UID of 66 characters", { "0020000E": element("UI", tooLong) }, "0020000E"],
    ["an instance UID of 66 characters", { "00080018": element("UI", tooLong) }, "00080018"],
    ["an instance UID with a NUL inside", { "00080018": element("UI", "1.2\u00003") }, "00080018"],
    ["an instance UID with a letter", { "00080018": element("UI", "1.2.a") }, "00080018"],
    ["no series UID", { "0020000E": undefined }, "0020000E"],
    ["an empty instance UID", { "00080018": element("UI") }, "00080018"],
  ])("%s: that instance is rejected, the rest of the study stands", (_name, overrides, tag) => {
    const { instances, rejected } = reduceAll([ctImage(1), ctImage(2, overrides)]);
    expect(rejected).toMatchObject([{ code: "INSTANCE_INVALID", tag }]);
    expect(instances).toHaveLength(1);
  });

  test("a study UID of 66 characters is an identifier like any other", () => {
    const { instances } = reduceAll([ctImage(1)]);
    const { imagingStudy } = buildStudy(studyId("Microsoft.Default", tooLong), instances, OPTIONS);
    expect(imagingStudy.identifier?.[0]).toEqual({ system: "urn:dicom:uid", value: `urn:oid:${tooLong}` });
    expect(imagingStudy.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each([undefined, null, 7, "text", [], [{}]])("a dataset that is %j is rejected", (dataset) => {
    expect(reduceAll([dataset]).rejected).toEqual([{ kind: "rejected", code: "INSTANCE_INVALID", tag: "00080018" }]);
  });
});

describe("whole numbers", () => {
  test.each<[unknown, number | undefined, string[]]>([
    ["1.0", 1, []],
    ["1.5", undefined, ["SeriesNumber invalid-number"]],
    [-1, undefined, ["SeriesNumber invalid-number"]],
    ["12A", undefined, ["SeriesNumber invalid-number"]],
    ["4294967296", undefined, ["SeriesNumber invalid-number"]],
    ["", undefined, []],
    [" 7 ", 7, []],
    ["007", 7, []],
    [0, 0, []],
    ["-0", 0, []],
    [2147483647, 2147483647, []],
  ])("series number %j", (value, expected, issues) => {
    const mapped = mapImage({ "00200011": element("IS", value) });
    expect(firstSeries(mapped)?.number).toBe(expected);
    expect(issuesOf(mapped)).toEqual(issues);
  });
});

describe("DICOM JSON as careless servers write it", () => {
  test("empty positions are skipped, empty items too", () => {
    const mapped = mapImage({
      "00081030": element("LO", null, "Chest CT"),
      "00080051": sequence({}, { "00400032": element("UT", "1.2.3"), "00400033": element("CS", "ISO") }),
      "00080050": element("SH", "A1"),
    });
    expect(mapped.imagingStudy.description).toBe("Chest CT");
    expect(mapped.imagingStudy.identifier?.[2]).toMatchObject({ system: "urn:oid:1.2.3", value: "A1" });
    expect(issuesOf(mapped)).toEqual([]);
  });

  test("tags in lower case are read", () => {
    const lower = Object.fromEntries(
      Object.entries(ctImage(1, { "0008103E": element("LO", "Thin") })).map(([tag, value]) => [
        tag.toLowerCase(),
        value,
      ]),
    );
    expect(firstSeries(mapStudy([lower]))).toMatchObject({ uid: "1.2.826.1.2", description: "Thin" });
  });

  test.each<[string, Json, string]>([
    ["InlineBinary", { vr: "UN", InlineBinary: "Q2hlc3Q=" }, "inline-binary"],
    ["BulkDataURI", { vr: "LO", BulkDataURI: "http://elsewhere/1" }, "bulk-data"],
    ["an object", { vr: "LO", Value: [{ a: 1 }] }, "wrong-type"],
  ])("%s in place of a text costs that text only", (_name, value, code) => {
    const mapped = mapImage({ "00081030": value });
    expect(mapped.imagingStudy).not.toHaveProperty("description");
    expect(mapped.imagingStudy.numberOfInstances).toBe(1);
    expect(mapped.issues).toEqual([{ tag: "00081030", keyword: "StudyDescription", code, count: 1 }]);
  });

  test("private tags and members named like JavaScript's own do nothing", () => {
    const plain = mapImage({});
    const odd = JSON.parse(
      JSON.stringify(ctImage(1, { "00091010": element("LO", "private"), constructor: element("LO", "x") })).replace(
        "{",
        '{"__proto__":{"00081030":{"vr":"LO","Value":["x"]}},',
      ),
    ) as unknown;
    expect(JSON.stringify(mapStudy([odd]))).toBe(JSON.stringify(plain));
    expect(({} as Json)["00081030"]).toBeUndefined();
    expect(
      mapImage({
        "00180015": element("CS", "__proto__"),
        "00100040": element("CS", "constructor"),
        "00100021": element("LO", "toString"),
      }).issues.map(({ code }) => code),
    ).toEqual(["issuer-unmapped", "unknown-code", "uncoded"]);
  });

  test("nesting of ten thousand levels harms nobody", () => {
    const deep = `${'{"00080104":{"vr":"SQ","Value":['.repeat(10_000)}{}${"]}}".repeat(10_000)}`;
    const mapped = mapImage({
      "0008103F": { vr: "SQ", Value: [JSON.parse(deep)] },
      "52009229": sequence({ "00209071": sequence({ "00082218": { vr: "SQ", Value: [JSON.parse(deep)] } }) }),
    });
    expect(mapped.imagingStudy.numberOfInstances).toBe(1);
  });

  test("escape sequences and halves of surrogates leave the text, markup stays what it is: data", () => {
    const mapped = mapImage({ "00081030": element("LO", "\u001b$BCT\u001b(B <script>alert(1)</script>\ud800") });
    expect(mapped.imagingStudy.description).toBe("CT <script>alert(1)</script>\ufffd");
    expect(issuesOf(mapped)).toEqual(["StudyDescription escape-sequence", "StudyDescription malformed-text"]);
  });
});

describe("body part", () => {
  const region = (code: string, scheme: string, meaning: string) =>
    sequence({
      "00080100": element("SH", code),
      "00080102": element("SH", scheme),
      "00080104": element("LO", meaning),
    });
  test.each<[string, Json, unknown]>([
    ["Chest", { "00180015": element("CS", "Chest") }, { system: SNOMED, code: "816094009", display: "Chest" }],
    ["THORAX", { "00180015": element("CS", "THORAX") }, { system: SNOMED, code: "816094009", display: "Chest" }],
    [
      "C-SPINE",
      { "00180015": element("CS", "C-SPINE") },
      { system: SNOMED, code: "122494005", display: "Cervical spine" },
    ],
    ["CHEST/ABD", { "00180015": element("CS", "CHEST/ABD") }, { display: "CHEST/ABD" }],
    ["Extremität", { "00180015": element("CS", "Extremität") }, { display: "Extremität" }],
    [
      "region T-D4000 of SRT",
      { "00082218": region("T-D4000", "SRT", "Abdomen") },
      { system: SNOMED, code: "818981001", display: "Abdomen" },
    ],
    [
      "region of SCT before the body part",
      { "00180015": element("CS", "HEAD"), "00082218": region("12738006", "SCT", "Brain") },
      { system: SNOMED, code: "12738006", display: "Brain" },
    ],
    ["region of a private scheme", { "00082218": region("X1", "99ACME", "Left paw") }, { display: "Left paw" }],
    [
      "region of a private scheme, body part known",
      { "00180015": element("CS", "FOOT"), "00082218": region("X1", "99ACME", "Left paw") },
      { system: SNOMED, code: "56459004", display: "Foot" },
    ],
    [
      "region of the frames",
      { "52009229": sequence({ "00209071": sequence({ "00082218": region("T-A0100", "SRT", "Brain") }) }) },
      { system: SNOMED, code: "12738006", display: "Brain" },
    ],
  ])("%s", (_name, overrides, expected) => {
    expect(firstSeries(mapImage(overrides))?.bodySite).toEqual(expected);
  });
});

describe("laterality", () => {
  test.each<[string, Json[], string | undefined]>([
    ["of the series", [{ "00200060": element("CS", "L") }], "7771000"],
    ["of the image", [{ "00200062": element("CS", "r") }], "24028007"],
    [
      "of the frames",
      [
        {
          "52009230": sequence(
            { "00209071": sequence({ "00209072": element("CS", "L") }) },
            { "00209071": sequence({ "00209072": element("CS", "R") }) },
          ),
        },
      ],
      "51440002",
    ],
    [
      "left and right in one series",
      [{ "00200062": element("CS", "L") }, { "00200062": element("CS", "R") }],
      "51440002",
    ],
    ["unpaired", [{ "00200060": element("CS", "U") }], "66459002"],
    ["not a term", [{ "00200060": element("CS", "X") }], undefined],
  ])("%s", (_name, overrides, expected) => {
    const mapped = mapStudy(overrides.map((one, index) => ctImage(index + 1, one)));
    expect(firstSeries(mapped)?.laterality?.code).toBe(expected);
  });
});
