/** What DICOMcast and its peers did wrong with these elements. Each test is named by what must not happen again. */
import { describe, expect, test } from "@jest/globals";
import { endpointResources } from "../../src/mapping/index.ts";
import { ctImage, element, firstSeries, issuesOf, mapImage, mapStudy, patientOf, reduceAll } from "./datasets.ts";

const absolute = /^[a-z][a-z0-9+.-]*:\S+$/;

/** All values of members with this name, at any depth. */
function membersNamed(name: string, value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    ...(key === name ? [member] : []),
    ...membersNamed(name, member),
  ]);
}

describe("must not happen", () => {
  test("the study has no modality because Modalities in Study (0008,0061) is absent", () => {
    expect(mapImage({ "00080061": undefined }).imagingStudy.modality?.[0]?.code).toBe("CT");
  });

  test("a coding scheme designator or free text stands where a URI must", () => {
    const mapped = mapImage({
      "00100021": element("LO", "HOSP B"),
      "00180015": element("CS", "CHEST"),
      "00200060": element("CS", "L"),
      "00080050": element("SH", "A1"),
    });
    const systems = membersNamed("system", mapped);
    expect(systems.length).toBeGreaterThan(8);
    expect(systems.filter((system) => typeof system !== "string" || !absolute.test(system))).toEqual([]);
  });

  test("a deleted series leaves its modality in the study", () => {
    const ct = ctImage(1);
    const pt = ctImage(2, { "0020000E": element("UI", "1.2.9"), "00080060": element("CS", "PT") });
    expect(mapStudy([ct, pt]).imagingStudy.modality).toHaveLength(2);
    expect(mapStudy([ct]).imagingStudy.modality?.map(({ code }) => code)).toEqual(["CT"]);
  });

  test("a changed accession number or description stays beside the new one", () => {
    const mapped = mapImage({ "00080050": element("SH", "NEW"), "00081030": element("LO", "New") });
    expect(mapped.imagingStudy.identifier?.filter((one) => one.type !== undefined)).toHaveLength(1);
    expect(mapped.imagingStudy.description).toBe("New");
    expect(mapped.imagingStudy).not.toHaveProperty("note");
  });

  test("numbers of series and instances are missing", () => {
    const { imagingStudy } = mapStudy([ctImage(1), ctImage(2)]);
    expect(imagingStudy).toMatchObject({ numberOfSeries: 1, numberOfInstances: 2, series: [{ numberOfInstances: 2 }] });
  });

  test("series.modality is missing, although FHIR requires it", () => {
    expect(firstSeries(mapImage({ "00080060": undefined, "00080016": undefined }))).toHaveProperty("modality");
  });

  test("sopClass is a bare UID without a system", () => {
    expect(firstSeries(mapImage({}))?.instance?.[0]?.sopClass).toMatchObject({
      system: "urn:ietf:rfc:3986",
      code: "urn:oid:1.2.840.10008.5.1.4.1.1.2",
    });
  });

  test("a study with a date and no time has no start", () => {
    expect(mapImage({ "00080030": undefined }).imagingStudy.started).toBe("2024-01-05");
  });

  test("UTC is asserted of a time whose zone nobody knows, or midnight of a day", () => {
    expect(mapImage({}).imagingStudy.started).toBe("2024-01-05");
    expect(mapImage({ "00080030": element("TM") }, { timeZone: "Europe/Berlin" }).imagingStudy.started).toBe(
      "2024-01-05",
    );
  });

  test("a bad offset takes the start away", () => {
    expect(mapImage({ "00080201": element("SH", "nonsense") }).imagingStudy.started).toBe("2024-01-05");
  });

  test("an identifier has an empty system", () => {
    const mapped = mapImage({ "00080050": element("SH", "A1") }, { accessionSystem: "" });
    expect(membersNamed("system", mapped)).not.toContain("");
    expect(mapped.imagingStudy.identifier?.[2]).not.toHaveProperty("system");
  });

  test("an instance without Patient ID, or with two, is refused", () => {
    for (const value of [undefined, element("LO"), element("LO", "1", "2")])
      expect(mapImage({ "00100020": value }).imagingStudy.numberOfInstances).toBe(1);
  });

  test("the middle of a Japanese name lands among the given names", () => {
    const names = patientOf(mapImage({ "00100010": element("PN", "Yamada^Tarou=山田^太郎=やまだ^たろう") }))?.name;
    expect(names?.flatMap((name) => name.given ?? [])).toEqual(["Tarou", "太郎", "たろう"]);
  });

  test("double spaces make empty given names", () => {
    expect(
      patientOf(mapImage({ "00100010": element("PN", { Alphabetic: "Doe^Mary  Ann " }) }, { splitGiven: true }))
        ?.name?.[0]?.given,
    ).toEqual(["Mary", "Ann"]);
  });

  test("an empty sex, name or birth date erases what the patient has", () => {
    const patient = patientOf(
      mapImage({ "00100040": element("CS"), "00100010": element("PN"), "00100030": element("DA") }),
    );
    expect(Object.keys(patient ?? {}).sort()).toEqual(["id", "identifier", "meta", "resourceType"]);
  });

  test("a partial birth date becomes the first of January", () => {
    expect(patientOf(mapImage({ "00100030": element("DA", "1950") }))?.birthDate).toBe("1950");
  });

  test("the endpoint's address has a trailing slash or a path of a sub-resource, or its payload type is empty", () => {
    for (const address of [
      "https://d.example/v2",
      "https://d.example/v2/",
      "https://d.example/v2/studies",
      "https://d.example/v2/studies/",
    ])
      expect(endpointResources({ sourceId: "s" }, "p", address)).toMatchObject([{ address: "https://d.example/v2" }]);
    const [endpoint] = endpointResources({ sourceId: "s" }, "p", "https://d.example");
    expect(endpoint?.payloadType[0]?.coding?.every((one) => one.system && one.code)).toBe(true);
  });

  test("instances that disagree make values flip with the order they come in", () => {
    const a = ctImage(1, { "00081030": element("LO", "A") });
    const b = ctImage(2, { "00081030": element("LO", "B") });
    expect(mapStudy([a, b])).toEqual(mapStudy([b, a]));
  });

  test("an instance without a number is lost, or gets zero", () => {
    const mapped = mapImage({ "00200013": undefined, "00200011": undefined });
    expect(firstSeries(mapped)?.instance).toHaveLength(1);
    expect(firstSeries(mapped)).not.toHaveProperty("number");
    expect(firstSeries(mapped)?.instance?.[0]).not.toHaveProperty("number");
  });

  test("the study UID is no identifier any more when there is an accession number", () => {
    expect(mapImage({ "00080050": element("SH", "A1") }).imagingStudy.identifier?.[0]).toEqual({
      system: "urn:dicom:uid",
      value: "urn:oid:1.2.826.1.1",
    });
  });

  test("the text of Body Part Examined is written as a SNOMED code", () => {
    expect(firstSeries(mapImage({ "00180015": element("CS", "CHEST/ABD") }))?.bodySite).toEqual({
      display: "CHEST/ABD",
    });
  });

  test("one bad attribute costs the instance or the study", () => {
    const mapped = mapImage({
      "00080020": element("DA", "2024"),
      "00080030": element("TM", "x"),
      "00100030": element("DA", "x"),
      "00200011": element("IS", "x"),
    });
    expect(mapped.imagingStudy).toMatchObject({ numberOfInstances: 1, started: "2024" });
    expect(issuesOf(mapped)).toEqual([
      "StudyDate partial-date",
      "StudyTime invalid-time",
      "PatientBirthDate invalid-date",
      "SeriesNumber invalid-number",
    ]);
  });

  test("an issue holds a value of the patient", () => {
    const { issues } = mapStudy([
      ctImage(1, { "00100030": element("DA", "19991399"), "00100040": element("CS", "SECRET") }),
    ]);
    expect(issues).toHaveLength(2);
    expect(JSON.stringify(issues)).not.toMatch(/SECRET|1999/);
    const { rejected } = reduceAll([ctImage(1, { "00080018": element("UI", "Doe^Jane") })]);
    expect(JSON.stringify(rejected)).not.toContain("Doe");
  });
});
