/** What users of DICOMcast reported of single values. Each test is named by what must not happen again. */
import { describe, expect, test } from "@jest/globals";
import { ctImage, element, mapImage, mapStudy, OPTIONS, patientOf, reduceAll } from "./datasets.ts";

describe("must not happen", () => {
  test.each([
    ["a not-mapped number", { "00189073": element("FD", "-Infinity"), "00281050": element("DS", "Infinity", "NaN") }],
    ["a list with holes", { "00200032": element("DS", null, "1", null), "00081140": element("SQ", null, {}) }],
    ["an element without a value", { "00200013": { vr: "IS" }, "00081030": { vr: "LO", Value: null } }],
    ["bulk data", { "00081030": { vr: "LO", BulkDataURI: "x" }, "00200011": { vr: "IS", InlineBinary: "AAA=" } }],
  ])("%s that a strict reader refuses costs the image", (_name, overrides) => {
    const { instances, rejected } = reduceAll([ctImage(1, overrides), ctImage(2)]);
    expect([instances.length, rejected.length]).toEqual([2, 0]);
    expect(mapStudy([ctImage(1, overrides), ctImage(2)]).imagingStudy.numberOfInstances).toBe(2);
  });

  test.each(["-Infinity", "Infinity", "NaN", 1e99, -3])("instance number %p is written", (value) => {
    const { imagingStudy } = mapImage({ "00200013": element("IS", value) });
    expect(imagingStudy.series?.[0]?.instance?.[0]).not.toHaveProperty("number");
  });

  test("a modality that omits the issuer splits the person into two Patients", () => {
    const system = OPTIONS.issuerSystems["HOSP A"] ?? "";
    const options = { patientIdSystem: system };
    const named = mapImage({ "00100021": element("LO", "HOSP A") }, options);
    const unnamed = mapImage({}, options);
    expect(patientOf(named)?.identifier?.[0]?.system).toBe(system);
    expect(patientOf(unnamed)?.id).toBe(patientOf(named)?.id);
    const mixed = mapStudy([ctImage(1, { "00100021": element("LO", "HOSP A") }), ctImage(2)], options);
    expect(patientOf(mixed)?.id).toBe(patientOf(named)?.id);
  });

  test("one Patient ID of two hospitals is one Patient", () => {
    const one = mapImage({ "00100021": element("LO", "HOSP A") });
    const other = mapImage({});
    expect(patientOf(one)?.id).not.toBe(patientOf(other)?.id);
  });
});
