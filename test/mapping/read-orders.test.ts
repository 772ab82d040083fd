/** What an instance says of orders, visit, procedure, reasons, location and the people of its study. */
import { describe, expect, test } from "@jest/globals";
import type { MappingOptions } from "../../src/mapping/index.ts";
import { readStudy } from "../../src/mapping/read-study.ts";
import { element, type Json, OPTIONS, sequence } from "./datasets.ts";

const study = (dataset: Json, options: Partial<MappingOptions> = {}) => readStudy(dataset, { ...OPTIONS, ...options });
const issuer = (name: string) => sequence({ "00400031": element("UT", name) });
const issuerOid = (oid: string) => sequence({ "00400032": element("UT", oid), "00400033": element("CS", "ISO") });
const typed = (code: string) => ({ coding: [expect.objectContaining({ code })] });
const code = (value: string, scheme: string, meaning: string): Json => ({
  "00080100": element("SH", value),
  "00080102": element("SH", scheme),
  "00080104": element("LO", meaning),
});

describe("orders", () => {
  test("accession, placer and filler numbers are read at the top, in request attributes and in referenced requests", () => {
    const request = {
      "00080050": element("SH", "A2"),
      "00402016": element("LO", "P1"),
      "00400026": issuerOid("1.2.3"),
      "00402017": element("LO", "F1"),
      "00400027": issuer("RIS"),
    };
    const values = study({
      "00080050": element("SH", "A1"),
      "00400275": sequence(request),
      "0040A370": sequence({ "00080050": element("SH", "A3") }),
    });
    expect(values.accessions.map(({ value }) => value)).toEqual(["A1", "A2", "A3"]);
    expect(values.orderNumbers).toEqual([
      { type: typed("PLAC"), system: "urn:oid:1.2.3", value: "P1" },
      { type: typed("FILL"), value: "F1", assigner: { display: "RIS" } },
    ]);
  });

  test("a request that repeats the accession number without its issuer adds none", () => {
    const values = study({
      "00080050": element("SH", "A1"),
      "00080051": issuerOid("1.2.3"),
      "00400275": sequence({ "00080050": element("SH", "A1") }),
    });
    expect(values.accessions).toEqual([{ type: typed("ACSN"), system: "urn:oid:1.2.3", value: "A1" }]);
  });

  test("one number of two issuers stays two orders", () => {
    const item = (oid: string) => ({ "00080050": element("SH", "A1"), "00080051": issuerOid(oid) });
    expect(study({ "00400275": sequence(item("1.2.3"), item("1.2.4")) }).accessions).toHaveLength(2);
  });

  test("requests have an end", () => {
    const items = Array.from({ length: 500 }, (_, index) => ({ "00402016": element("LO", `P${index}`) }));
    const values = study({ "00400275": sequence(...items) });
    expect(values.orderNumbers).toHaveLength(32);
    expect(values.issues).toEqual(["RequestAttributesSequence too-many-values"]);
  });

  test("a visit is an encounter by its number", () => {
    expect(study({ "00380010": element("LO", "V7"), "00380014": issuerOid("1.2.9") }).encounter).toEqual({
      type: "Encounter",
      identifier: { type: typed("VN"), system: "urn:oid:1.2.9", value: "V7" },
    });
  });
});

describe("procedure, reasons, place", () => {
  test("Study ID, procedure step ID and location get an identifier only from a configured system", () => {
    const dataset = {
      "00200010": element("SH", "S1"),
      "00400253": element("SH", "PPS1"),
      "00400254": element("LO", "CT chest"),
      "00081040": element("LO", "Radiology"),
      "00400243": element("SH", "ROOM 3"),
    };
    expect(study(dataset)).toMatchObject({
      studyId: undefined,
      performedProcedure: undefined,
      location: { type: "Location", display: "Radiology" },
    });
    expect(study(dataset).location).not.toHaveProperty("identifier");
    const systems = {
      studyIdSystem: "urn:oid:1.1",
      procedureStepIdSystem: "urn:oid:1.2",
      locationSystem: "urn:oid:1.3",
    };
    expect(study(dataset, systems)).toMatchObject({
      studyId: "S1",
      performedProcedure: {
        type: "Procedure",
        identifier: { system: "urn:oid:1.2", value: "PPS1" },
        display: "CT chest",
      },
      location: { identifier: { system: "urn:oid:1.3", value: "ROOM 3" }, display: "Radiology" },
    });
  });

  test("all procedure codes are read, each once", () => {
    const dataset = { "00081032": sequence(code("1-1", "LN", "A"), code("2-2", "LN", "B"), code("1-1", "LN", "A")) };
    expect(study(dataset).procedureCodes.map(({ text }) => text)).toEqual(["A", "B"]);
  });

  test("reasons are the union of texts and codes over the requests; a text that a code says already is left out", () => {
    const values = study({
      "00401002": element("LO", "Cough", "Fever"),
      "0040100A": sequence(code("49727002", "SCT", "Cough")),
      "00400275": sequence({ "00401002": element("LO", "Fever"), "00401012": sequence(code("1", "99X", "Follow-up")) }),
    });
    expect(values.reasons).toEqual([
      { coding: [{ system: "http://snomed.info/sct", code: "49727002", display: "Cough" }], text: "Cough" },
      { text: "Fever" },
      { text: "Follow-up" },
    ]);
  });

  test("the description of a request stands in for the study's", () => {
    expect(study({ "00400275": sequence({ "00321060": element("LO", "CT thorax") }) }).description).toBe("CT thorax");
  });
});

describe("people", () => {
  const person = (id: string, more: Json = {}): Json => ({ "00401101": sequence(code(id, "99P", "")), ...more });
  const readers = (names: unknown[], ids: Json[]) =>
    study({ "00081060": element("PN", ...names), "00081062": sequence(...ids) });

  test("all names are read, with their ids when there are as many", () => {
    const { interpreters } = readers([{ Alphabetic: "Doe^Jane" }, "Roe^Ric"], [person("1"), person("2")]);
    expect(interpreters).toEqual([
      { type: "Practitioner", identifier: { value: "1" }, display: "Jane Doe" },
      { type: "Practitioner", identifier: { value: "2" }, display: "Ric Roe" },
    ]);
  });

  test("no id goes to a name it may not belong to", () => {
    for (const [names, ids] of [
      [["Doe^Jane", "Roe^Ric"], [person("2")]],
      [["Doe^Jane"], [person("1"), person("2")]],
      [
        ["Doe^Jane", null],
        [person("1"), {}],
      ],
      [
        ["Doe^Jane", ""],
        [{}, person("2")],
      ],
      [
        [null, "Roe^Ric"],
        [person("1"), {}],
      ],
    ] as [unknown[], Json[]][]) {
      const { interpreters, issues } = readers(names, ids);
      expect(interpreters.filter(({ identifier }) => identifier !== undefined)).toEqual([]);
      expect(interpreters.length).toBeGreaterThan(0);
      expect(issues).toContain("PhysiciansReadingStudyIdentificationSequence unpaired");
    }
  });

  test("ids without names stand alone; a code's meaning names the person", () => {
    const { interpreters } = study({ "00081062": sequence({ "00401101": sequence(code("7", "99P", "Dr. Roe")) }) });
    expect(interpreters).toEqual([{ type: "Practitioner", identifier: { value: "7" }, display: "Dr. Roe" }]);
  });

  test("the institution that gave the id is its assigner, the scheme's UID its system", () => {
    const id = { ...code("7", "99P", ""), "0008010C": element("UI", "1.2.3.4") };
    const item = { "00401101": sequence(id), "00080080": element("LO", "St. Elsewhere") };
    expect(readers(["Doe^Jane"], [item]).interpreters[0]?.identifier).toEqual({
      system: "urn:oid:1.2.3.4",
      value: "7",
      assigner: { display: "St. Elsewhere" },
    });
  });

  test("lists of people have an end", () => {
    const names = Array.from({ length: 200 }, (_, index) => `Doe${index}^J`);
    expect(readers(names, []).interpreters).toHaveLength(16);
  });

  test("of several referrers the first is written, with an issue", () => {
    const values = study({ "00080090": element("PN", "Doe^Jane", "Roe^Ric") });
    expect(values.referrer).toEqual({ type: "Practitioner", display: "Jane Doe" });
    expect(values.issues).toEqual(["ReferringPhysicianName multiple-values"]);
  });
});
