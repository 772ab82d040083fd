/** What other converters did wrong, and what none of them has. Each test is named by what must not happen. */
import { describe, expect, test } from "@jest/globals";
import { ctImage, element, firstSeries, type Json, mapImage, mapStudy, patientOf, sequence } from "./datasets.ts";

const code = (value: string, scheme: string, meaning: string): Json => ({
  "00080100": element("SH", value),
  "00080102": element("SH", scheme),
  "00080104": element("LO", meaning),
});

/** All that DICOMcast never mapped, in one image. */
const RICH: Json = {
  "00200060": element("CS", "L"),
  "00180015": element("CS", "KNEE"),
  "00081050": element("PN", "Doe^Jane"),
  "00080090": element("PN", "Roe^Ric"),
  "00081060": element("PN", "Poe^Pat"),
  "00080050": element("SH", "A1"),
  "00081032": sequence(code("24627-2", "LN", "CT")),
  "00401002": element("LO", "Pain"),
  "00081040": element("LO", "Radiology"),
  "00380010": element("LO", "V1"),
  "00400560": sequence({ "00400551": element("LO", "S1") }),
  "00080070": element("LO", "ACME"),
};

describe("must not happen", () => {
  test("laterality, body site, performers, referrer, interpreter, order, procedure, reason, location, visit, specimen, title or device are not mapped", () => {
    const { imagingStudy } = mapImage(RICH);
    for (const name of ["referrer", "interpreter", "basedOn", "procedureCode", "reasonCode", "location", "encounter"])
      expect(imagingStudy).toHaveProperty(name);
    const series = firstSeries(mapImage(RICH));
    for (const name of ["laterality", "bodySite", "performer", "specimen"]) expect(series).toHaveProperty(name);
    expect(series?.instance?.[0]).toHaveProperty("title");
    expect(series?.performer?.some(({ actor }) => actor.type === "Device")).toBe(true);
  });

  test("an absent attribute that nothing depends on (Burned In Annotation, Accession Number) costs instance or study", () => {
    const mapped = mapImage({ "00280301": undefined, "00080050": undefined });
    expect(firstSeries(mapped)?.instance?.[0]).toMatchObject({ number: 1, title: "ORIGINAL\\PRIMARY\\AXIAL" });
  });

  test("the equipment of one study appears in another, or twice in one series", () => {
    const machine = {
      "00080070": element("LO", "ACME"),
      "00181000": element("LO", "7"),
      "00081090": element("LO", "X"),
    };
    const mapped = mapStudy([ctImage(1, machine), ctImage(2, machine)]);
    expect(firstSeries(mapped)?.performer).toHaveLength(1);
    expect(firstSeries(mapImage({}))).not.toHaveProperty("performer");
  });

  test("a serial number is an identifier in the system of DICOM UIDs", () => {
    const machine = {
      "00080070": element("LO", "ACME"),
      "00181000": element("LO", "7"),
      "00081090": element("LO", "X"),
    };
    expect(firstSeries(mapImage(machine))?.performer?.[0]?.actor.identifier).toEqual({
      type: { coding: [expect.objectContaining({ code: "SNO" })] },
      value: "7",
    });
  });

  test("a procedure code is a text without coding, only the first of several, or an order's number", () => {
    const { imagingStudy } = mapImage({
      "00081032": sequence(code("24627-2", "LN", "CT Chest"), code("77477000", "SCT", "CT")),
    });
    expect(imagingStudy.procedureCode?.map(({ coding }) => coding?.[0]?.system)).toEqual([
      "http://loinc.org",
      "http://snomed.info/sct",
    ]);
    expect(imagingStudy).not.toHaveProperty("basedOn");
  });

  test("the designator of a private scheme, or SRT, is the system of a code", () => {
    const mapped = mapImage({
      "00081032": sequence(code("1", "99ACME", "Special"), code("P5-08000", "SRT", "CT"), code("ZZ-1", "SRT", "Old")),
      "0040100A": sequence(code("R1", "L", "Reason")),
    });
    expect(mapped.imagingStudy.procedureCode).toEqual([
      { text: "Special" },
      { coding: [{ system: "http://snomed.info/sct", code: "77477000", display: "Computed tomography" }], text: "CT" },
      { text: "Old" },
    ]);
    expect(mapped.imagingStudy.reasonCode).toEqual([{ text: "Reason" }]);
  });

  test("an order has the assigner's name where its system belongs, or an issuer as a system that is no URI", () => {
    const local = sequence({ "00400031": element("UT", "RIS A") });
    const { imagingStudy } = mapImage({ "00402016": element("LO", "P1"), "00400026": local });
    expect(imagingStudy.basedOn?.[0]?.identifier).toEqual({
      type: { coding: [expect.objectContaining({ code: "PLAC" })] },
      value: "P1",
      assigner: { display: "RIS A" },
    });
  });

  test("inner spaces of texts are stripped, or the afternoon becomes the morning", () => {
    const { imagingStudy } = mapImage(
      { "00081030": element("LO", " CT  of the   chest "), "00080030": element("TM", "231112") },
      { timeZone: "Europe/Berlin" },
    );
    expect(imagingStudy.description).toBe("CT  of the   chest");
    expect(imagingStudy.started).toBe("2024-01-05T23:11:12+01:00");
  });

  test("a series' date is read from another attribute", () => {
    const mapped = mapImage({ "00080021": element("DA", "20240106"), "00200020": element("CS", "L", "F") });
    expect(firstSeries(mapped)?.started).toBe("2024-01-06");
  });

  test("two Patient IDs that differ by punctuation only become one Patient", () => {
    const ids = ["A_1", "A1", "A-1", "a1"].map((id) => patientOf(mapImage({ "00100020": element("LO", id) }))?.id);
    expect(new Set(ids).size).toBe(4);
  });

  test("an absent performer, reader or reason leaves an empty list or object", () => {
    const mapped = mapImage({
      "00081050": element("PN", "^^"),
      "00081060": element("PN"),
      "00081062": sequence({}),
      "00081032": sequence({}),
      "00401002": element("LO", " "),
      "00400275": sequence({}, {}),
    });
    expect(JSON.stringify(mapped.imagingStudy)).not.toMatch(/\[\]|\{\}|""/);
    expect(firstSeries(mapped)).not.toHaveProperty("performer");
  });

  test("rejected images are offered to readers, or their rejection takes others with it", () => {
    const note = (title: string): Json => ({
      "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.88.59"),
      "00080060": element("CS", "KO"),
      "0020000E": element("UI", "1.2.826.1.9"),
      "0040A043": sequence(code(title, "DCM", "Rejected")),
      "0040A375": sequence({
        "00081115": sequence({ "00081199": sequence({ "00081155": element("UI", "1.2.826.1.3.1") }) }),
      }),
    });
    const listed = (title: string) =>
      mapStudy([ctImage(1), ctImage(2), ctImage(9, note(title))]).imagingStudy.series?.flatMap(({ instance = [] }) =>
        instance.map(({ uid }) => uid.split(".").at(-1)),
      );
    expect(listed("113001")).toEqual(["2", "9"]);
    expect(listed("113037")).toEqual(["2"]);
    expect(listed("113000")).toEqual(["1", "2", "9"]);
  });

  test("the order in which instances come decides lists, or which of them is left out", () => {
    const images = Array.from({ length: 40 }, (_, index) =>
      ctImage(index, {
        "00081070": element("PN", `Operator${index % 35}^X`, "Same^Y"),
        "00402016": element("LO", `P${index}`),
        "00401002": element("LO", `Reason ${index % 7}`, "Pain"),
      }),
    );
    const once = mapStudy(images);
    expect(JSON.stringify(mapStudy(images.toReversed()))).toBe(JSON.stringify(once));
    expect(firstSeries(once)?.performer).toHaveLength(32);
    expect(once.imagingStudy.basedOn).toHaveLength(32);
  });
});
