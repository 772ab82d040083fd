/** Equipment, performers and specimens of a series. */
import { describe, expect, test } from "@jest/globals";
import { readSeries } from "../../src/mapping/read-series.ts";
import { element, type Json, OPTIONS, sequence } from "./datasets.ts";

const series = (dataset: Json) => readSeries(dataset, [], OPTIONS);
const MACHINE = {
  "00080060": element("CS", "CT"),
  "00080070": element("LO", "ACME"),
  "00081090": element("LO", "Scanner X"),
  "00081010": element("SH", "CT1"),
};

describe("a Device", () => {
  test("is made of maker, model and serial number", () => {
    const { device, display } = series({
      ...MACHINE,
      "00181000": element("LO", "SN7"),
      "00181020": element("LO", "1.0", "build 9"),
      "00400241": element("AE", "CT1AE"),
      "00080080": element("LO", "St. Elsewhere"),
    }).equipment;
    expect(display).toBe("ACME Scanner X (CT1)");
    expect(device).toMatchObject({
      manufacturer: "ACME",
      modelName: "Scanner X",
      stationName: "CT1",
      serialNumber: "SN7",
      softwareVersions: ["1.0", "build 9"],
      type: { coding: [{ code: "CT" }] },
      owner: { type: "Organization", display: "St. Elsewhere" },
    });
    expect(device?.identifier).toEqual([
      { type: { coding: [expect.objectContaining({ code: "SNO" })] }, value: "SN7" },
      { type: { text: "AE title" }, value: "CT1AE" },
    ]);
  });

  test("is not made of what a whole fleet has in common: no serial number, or a serial number alone", () => {
    expect(series(MACHINE).equipment).toEqual({ device: undefined, display: "ACME Scanner X (CT1)" });
    expect(series({ "00181000": element("LO", "1") }).equipment.device).toBeUndefined();
    expect(series({ "00181009": element("UT", "(01)00844588003288") }).equipment.device).toBeUndefined();
  });

  test("two makers' equal serial numbers are two devices, another software version or station name is not", () => {
    const id = (overrides: Json) =>
      series({ ...MACHINE, "00181000": element("LO", "7"), ...overrides }).equipment.device?.id;
    expect(id({ "00080070": element("LO", "OTHER") })).not.toBe(id({}));
    expect(id({ "00181020": element("LO", "2.0"), "00081010": element("SH", "CT2") })).toBe(id({}));
  });

  test("its UID and UDI identify it", () => {
    const udi = "(01)00844588003288(21)SN7";
    const { device } = series({
      "00181002": element("UI", "1.2.3"),
      "0018100A": sequence({ "00181009": element("UT", udi) }),
    }).equipment;
    expect(device?.udi).toBe(udi);
    expect(device?.identifier).toEqual([
      { system: "urn:dicom:uid", value: "urn:oid:1.2.3" },
      { type: { coding: [expect.objectContaining({ code: "UDI" })] }, value: udi },
    ]);
    expect(series({ "00181009": element("UT", udi) }).equipment.device).toBeDefined();
  });
});

describe("performers", () => {
  test("physicians, operators and the institution, each once, with their function", () => {
    const { performers } = series({
      "00081050": element("PN", "Doe^Jane"),
      "00081070": element("PN", "Roe^Ric", "Doe^Jane"),
      "00080080": element("LO", "St. Elsewhere"),
      "00080082": sequence({
        "00080100": element("SH", "9"),
        "00080102": element("SH", "99Z"),
        "0008010C": element("UI", "1.2.8"),
      }),
    });
    expect(performers.map((one) => [one.function?.coding?.[0]?.code, one.actor])).toEqual([
      ["PRF", { type: "Practitioner", display: "Jane Doe" }],
      ["PRF", { type: "Practitioner", display: "Ric Roe" }],
      ["LOC", { type: "Organization", identifier: { system: "urn:oid:1.2.8", value: "9" }, display: "St. Elsewhere" }],
    ]);
  });
});

describe("specimens", () => {
  const specimen = (more: Json) => sequence({ "00400551": element("LO", "S-1"), ...more });
  const issuer = sequence({ "00400032": element("UT", "1.2.3"), "00400033": element("CS", "ISO") });
  const first = (dataset: Json) => series(dataset).specimens[0];

  test("the identifier with its issuer, else the UID, else the bare identifier", () => {
    const uid = { "00400554": element("UI", "1.2.77") };
    expect(first({ "00400560": specimen({ "00400562": issuer, ...uid }) })).toEqual({
      type: "Specimen",
      identifier: { system: "urn:oid:1.2.3", value: "S-1" },
      display: "S-1",
    });
    expect(first({ "00400560": specimen(uid) })).toEqual({
      type: "Specimen",
      identifier: { system: "urn:dicom:uid", value: "urn:oid:1.2.77" },
      display: "S-1",
    });
    expect(first({ "00400560": specimen({ "00400600": element("LO", "Liver") }) })).toEqual({
      type: "Specimen",
      identifier: { value: "S-1" },
      display: "Liver",
    });
  });

  test("a container stands for specimens that are not described", () => {
    expect(first({ "00400512": element("LO", "SLIDE-9"), "00400513": issuer })).toEqual({
      type: "Specimen",
      identifier: { system: "urn:oid:1.2.3", value: "SLIDE-9" },
      display: "SLIDE-9",
    });
  });
});
