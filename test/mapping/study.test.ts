/** What a study is made of when its instances are put together: rule A.7, counts, thresholds, order. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildStudy, NOT_LISTED_URL } from "../../src/mapping/index.ts";
import {
  ctImage,
  element,
  firstSeries,
  issuesOf,
  type Json,
  mapStudy,
  OPTIONS,
  patientOf,
  reduceAll,
  STUDY,
} from "./datasets.ts";

const SR = element("UI", "1.2.840.10008.5.1.4.1.1.88.33");
const inSeries = (uid: string, overrides: Json = {}): Json => ({ "0020000E": element("UI", uid), ...overrides });

describe("the set decides, not the order", () => {
  test("any order of the same instances gives the same bytes", () => {
    const value = (...values: string[]) => fc.constantFrom(...values);
    const image = fc.record({
      number: fc.integer({ min: 1, max: 6 }),
      series: value("1.2.9", "1.2.10", "1.2.11"),
      seriesNumber: value("1", "2", "", "x"),
      description: value("A", "B", "", "C"),
      patient: value("4711", "4712", ""),
      name: value("Doe^Jane", "Doe^J.", "^"),
      accession: value("A1", "A2", ""),
      date: value("20240105", "2024", ""),
    });
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 20 }), fc.integer(), (images, seed) => {
        const datasets = images.map((one) =>
          ctImage(one.number, {
            ...inSeries(one.series),
            "00200011": element("IS", one.seriesNumber),
            "00081030": element("LO", one.description),
            "00100020": element("LO", one.patient),
            "00100010": element("PN", { Alphabetic: one.name }),
            "00080050": element("SH", one.accession),
            "00080020": element("DA", one.date),
          }),
        );
        const shuffled = datasets
          .map((dataset, index) => ({ dataset, key: Math.sin(seed + index) }))
          .sort((a, b) => a.key - b.key)
          .map(({ dataset }) => dataset);
        const once = JSON.stringify(mapStudy(datasets));
        expect(JSON.stringify(mapStudy(shuffled))).toBe(once);
        // Without a shared pool, too: sharing must not show.
        const single = shuffled.flatMap((dataset) => reduceAll([dataset]).instances);
        expect(JSON.stringify(buildStudy(STUDY, single, OPTIONS))).toBe(once);
      }),
      { numRuns: 200 },
    );
  });

  test("series and instances stand by number, then UID; those without a number last", () => {
    const mapped = mapStudy([
      ctImage(10, inSeries("1.5", { "00200011": undefined })),
      ctImage(3, inSeries("1.4", { "00200011": element("IS", 10) })),
      ctImage(2, inSeries("1.3", { "00200011": element("IS", 9) })),
      ctImage(11, inSeries("1.3", { "00200011": element("IS", 9), "00200013": undefined })),
      ctImage(1, inSeries("1.3", { "00200011": element("IS", 9), "00200013": element("IS", 2) })),
    ]);
    expect(mapped.imagingStudy.series?.map(({ uid }) => uid)).toEqual(["1.3", "1.4", "1.5"]);
    expect(firstSeries(mapped)?.instance?.map(({ uid }) => uid)).toEqual([
      "1.2.826.1.3.1",
      "1.2.826.1.3.2",
      "1.2.826.1.3.11",
    ]);
  });
});

describe("instances that disagree", () => {
  const described = (...texts: string[]) =>
    mapStudy(texts.map((one, index) => ctImage(index + 1, { "00081030": element("LO", one) })));

  test("the most frequent description wins and the others are counted", () => {
    const mapped = described("B", "A", "B");
    expect(mapped.imagingStudy.description).toBe("B");
    expect(mapped.issues).toEqual([{ tag: "00081030", keyword: "StudyDescription", code: "conflict", count: 1 }]);
  });

  test("a tie is broken by value", () => {
    expect(described("B", "A").imagingStudy.description).toBe("A");
    expect(described("A", "B").imagingStudy.description).toBe("A");
  });

  test("an empty value never beats one that is there", () => {
    expect(described("", "", "A").imagingStudy.description).toBe("A");
    expect(issuesOf(described("", "", "A"))).toEqual([]);
  });

  test("each series has one vote for a value of the study", () => {
    const mapped = mapStudy([
      ...[1, 2, 3, 4, 5].map((number) => ctImage(number, inSeries("1.3", { "00081030": element("LO", "A") }))),
      ctImage(6, inSeries("1.4", { "00081030": element("LO", "B") })),
      ctImage(7, inSeries("1.5", { "00081030": element("LO", "B") })),
    ]);
    expect(mapped.imagingStudy.description).toBe("B");
  });

  test("one image without date and time does not take them from the study", () => {
    const mapped = mapStudy([ctImage(1), ctImage(2, { "00080020": undefined, "00080030": undefined })]);
    expect(mapped.imagingStudy.started).toBe("2024-01-05");
  });
});

describe("patients", () => {
  const of = (number: number, id: string, name: string, birth?: string) =>
    ctImage(number, {
      "00100020": element("LO", id),
      "00100010": element("PN", { Alphabetic: name }),
      "00100030": birth === undefined ? undefined : element("DA", birth),
    });

  test("the patient of most instances is the study's, and nothing of the other one is mixed in", () => {
    const mapped = mapStudy([of(1, "A", "Alpha"), of(2, "A", "Alpha"), of(3, "B", "Beta", "19500101")]);
    expect(patientOf(mapped)).toMatchObject({ identifier: [{ value: "A" }], name: [{ family: "Alpha" }] });
    expect(patientOf(mapped)).not.toHaveProperty("birthDate");
    expect(mapped.issues).toEqual([{ tag: "00100020", keyword: "PatientID", code: "several-patients", count: 1 }]);
  });

  test("an emptied Patient ID in some instances leaves the study with its patient", () => {
    const mapped = mapStudy([of(1, "", "Alpha"), of(2, "", "Alpha"), of(3, "B", "Beta")]);
    expect(mapped.subject).toMatchObject({ kind: "patient", identifier: { value: "B" }, display: "Beta" });
  });

  test("an emptied Patient ID in all instances takes it off", () => {
    expect(mapStudy([of(1, "", "Alpha"), of(2, "", "Alpha")]).subject).toEqual({
      kind: "unidentified",
      display: "Alpha",
    });
  });

  test("the same ID from two issuers is two patients", () => {
    const issued = (number: number, issuer: string) => ctImage(number, { "00100021": element("LO", issuer) });
    const mapped = mapStudy([issued(1, "HOSP A"), issued(2, "urn:oid:1.2.3.4"), issued(3, "HOSP A")]);
    expect(mapped.subject).toMatchObject({ identifier: { system: "http://hospital-a.example/mrn", value: "4711" } });
    expect(issuesOf(mapped)).toEqual(["PatientID several-patients"]);
  });

  test("asOf sorts by study date, time, UID", () => {
    const asOf = (date: string | undefined, time: string) => {
      const mapped = mapStudy([
        ctImage(1, {
          "00080020": date === undefined ? undefined : element("DA", date),
          "00080030": element("TM", time),
        }),
      ]);
      return mapped.subject.kind === "patient" ? mapped.subject.asOf : "";
    };
    const inOrder = [
      asOf(undefined, "235959"),
      asOf("2023", "101112"),
      asOf("20240105", ""),
      asOf("20240105", "1011"),
      asOf("20240105", "101112.5"),
    ];
    expect([...inOrder].sort()).toEqual(inOrder);
    expect(new Set(inOrder).size).toBe(inOrder.length);
    expect(asOf("20240105", "101112")).toBe("20240105101112.000000 1.2.826.1.1");
  });
});

describe("issuers of patient IDs", () => {
  const qualified = (universal: string, type: string, extra: Json = {}) => ({
    "00100021": element("LO", "HOSP A"),
    "00100024": {
      vr: "SQ",
      Value: [{ "00400032": element("UT", universal), "00400033": element("CS", type), ...extra }],
    },
  });
  const none = { patientIdSystem: undefined };
  test.each<[string, Json, object, string | undefined]>([
    ["universal ID of type ISO", qualified("1.2.3.4", "ISO"), {}, "urn:oid:1.2.3.4"],
    [
      "universal ID of type UUID",
      qualified("6E8BC430-9C3A-11D9-9669-0800200C9A66", "UUID"),
      {},
      "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
    ],
    ["universal ID of type URI", qualified("http://x.example/ids", "URI"), {}, "http://x.example/ids"],
    [
      "universal ID of type ISO that is no OID: the map",
      qualified("1.02.3", "ISO"),
      {},
      "http://hospital-a.example/mrn",
    ],
    ["issuer in the map", { "00100021": element("LO", " HOSP A ") }, {}, "http://hospital-a.example/mrn"],
    ["issuer that is a URI", { "00100021": element("LO", "urn:oid:1.2.3") }, {}, "urn:oid:1.2.3"],
    ["issuer that is an OID", { "00100021": element("LO", "1.2.276.0.76") }, {}, "urn:oid:1.2.276.0.76"],
    ["issuer that is free text: the default", { "00100021": element("LO", "HOSP B") }, {}, "urn:oid:1.2.826.99"],
    ["no issuer: the default", {}, {}, "urn:oid:1.2.826.99"],
    ["free text without a default", { "00100021": element("LO", "HOSP B") }, none, undefined],
    ["no issuer without a default", {}, none, undefined],
    ["an empty default", {}, { patientIdSystem: "" }, undefined],
  ])("%s", (_name, overrides, options, system) => {
    const { subject } = mapStudy([ctImage(1, overrides)], options);
    if (system === undefined) expect(subject).toEqual({ kind: "issuer-unknown", display: "Jane Doe" });
    else expect(subject).toMatchObject({ kind: "patient", identifier: { system } });
  });

  test("free text never becomes a system; it is shown as the assigner", () => {
    const mapped = mapStudy([ctImage(1, { "00100021": element("LO", "HOSP B") })]);
    expect(patientOf(mapped)?.identifier).toEqual([
      {
        type: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/v2-0203", code: "MR" }] },
        system: "urn:oid:1.2.826.99",
        value: "4711",
        assigner: { display: "HOSP B" },
      },
    ]);
    expect(issuesOf(mapped)).toEqual(["IssuerOfPatientID issuer-unmapped"]);
  });

  test("the identifier type code is used when it is one of HL7's", () => {
    const type = (code: string) =>
      patientOf(mapStudy([ctImage(1, qualified("1.2.3.4", "ISO", { "00400035": element("CS", code) }))]))
        ?.identifier?.[0]?.type?.coding?.[0]?.code;
    expect([type("PI"), type("pi"), type("HOUSE")]).toEqual(["PI", "PI", "MR"]);
  });
});

describe("counts and lists", () => {
  test("the same SOP Instance UID twice in one series is one instance, decided by value", () => {
    const twins = [ctImage(1, { "00200013": element("IS", 8) }), ctImage(1, { "00200013": element("IS", 7) })];
    for (const datasets of [twins, [...twins].reverse()]) {
      const mapped = mapStudy(datasets);
      expect(firstSeries(mapped)).toMatchObject({ numberOfInstances: 1, instance: [{ number: 7 }] });
      expect(mapped.imagingStudy.numberOfInstances).toBe(1);
      expect(issuesOf(mapped)).toEqual(["SOPInstanceUID duplicate-instance"]);
    }
  });

  test("the same SOP Instance UID in two series stays in both", () => {
    const mapped = mapStudy([ctImage(1, inSeries("1.3")), ctImage(1, inSeries("1.4"))]);
    expect(mapped.imagingStudy).toMatchObject({ numberOfSeries: 2, numberOfInstances: 2 });
    expect(issuesOf(mapped)).toEqual(["SOPInstanceUID in-several-series"]);
  });

  test("above the limit plain images are counted and not listed, reports are listed, and the series says so", () => {
    const datasets = [
      ctImage(1),
      ctImage(2),
      ctImage(3, { "00080016": SR }),
      ctImage(4, inSeries("1.9", { "00080016": SR, "00080060": element("CS", "SR") })),
    ];
    const listed = mapStudy(datasets, { instanceListLimit: 4 }).imagingStudy;
    expect(listed.series?.[0]?.instance).toHaveLength(3);
    expect(listed.series?.[0]).not.toHaveProperty("extension");
    const counted = mapStudy(datasets, { instanceListLimit: 3 }).imagingStudy;
    expect(counted).toMatchObject({ numberOfSeries: 2, numberOfInstances: 4 });
    expect(counted.series?.[0]).toMatchObject({
      extension: [{ url: NOT_LISTED_URL, valueUnsignedInt: 2 }],
      numberOfInstances: 3,
      instance: [{ uid: "1.2.826.1.3.3" }],
    });
    expect(counted.series?.[1]).not.toHaveProperty("extension");
    expect(mapStudy([ctImage(1), ctImage(2)], { instanceListLimit: 1 }).imagingStudy.series?.[0]).not.toHaveProperty(
      "instance",
    );
  });

  test("accession numbers are joined, once each, as identifiers and as orders", () => {
    const mapped = mapStudy(
      ["B2", "A1", "B2", ""].map((one, index) => ctImage(index + 1, { "00080050": element("SH", one) })),
      { accessionSystem: "http://ris.example/acc" },
    );
    expect(mapped.imagingStudy.identifier?.slice(2).map(({ system, value }) => [system, value])).toEqual([
      ["http://ris.example/acc", "A1"],
      ["http://ris.example/acc", "B2"],
    ]);
    expect(mapped.imagingStudy.basedOn).toMatchObject([
      { type: "ServiceRequest", identifier: { value: "A1", type: { coding: [{ code: "ACSN" }] } } },
      { type: "ServiceRequest", identifier: { value: "B2" } },
    ]);
  });

  test("a value that comes again in each instance is kept in memory once", () => {
    const { instances } = reduceAll([ctImage(1), ctImage(2)]);
    const [a, b] = instances;
    expect(a?.patient).toBe(b?.patient);
    expect(a?.study).toBe(b?.study);
    expect(a?.seriesValues).toBe(b?.seriesValues);
  });
});

describe("availability", () => {
  test.each([
    [["ONLINE", "OFFLINE"], "available"],
    [["OFFLINE", "UNAVAILABLE"], "registered"],
    [["OFFLINE", ""], "available"],
    [["NEARLINE"], "available"],
    [["LOST"], "available"],
  ])("%j is %s", (values, status) => {
    const mapped = mapStudy(values.map((value, index) => ctImage(index + 1, { "00080056": element("CS", value) })));
    expect(mapped.imagingStudy.status).toBe(status);
  });
});

describe("modalities of the study", () => {
  const modalities = (...codes: string[]) =>
    mapStudy(
      codes.map((code, index) => ctImage(index + 1, inSeries(`1.${index}`, { "00080060": element("CS", code) }))),
    ).imagingStudy.modality?.map(({ code }) => code);
  test("only those that acquire, once each", () =>
    expect(modalities("SR", "PT", "CT", "CT", "SEG")).toEqual(["CT", "PT"]));
  test("all of them when none acquires", () => expect(modalities("SR", "KO")).toEqual(["KO", "SR"]));
});

describe("series start", () => {
  test("the earliest acquisition stands in for a series without a date", () => {
    const acquired = (number: number, dateTime: string) => ctImage(number, { "0008002A": element("DT", dateTime) });
    const mapped = mapStudy([acquired(1, "20240105103000.25+0100"), acquired(2, "20240105102900+0100"), ctImage(3)]);
    expect(firstSeries(mapped)?.started).toBe("2024-01-05T10:29:00+01:00");
  });

  test("the series' own date comes first, the procedure step's last", () => {
    const step = { "00400244": element("DA", "20240103"), "00080022": element("DA", "20240104") };
    expect(firstSeries(mapStudy([ctImage(1, step)]))?.started).toBe("2024-01-04");
    expect(firstSeries(mapStudy([ctImage(1, { ...step, "00080022": undefined })]))?.started).toBe("2024-01-03");
    expect(firstSeries(mapStudy([ctImage(1, { ...step, "00080021": element("DA", "20240102") })]))?.started).toBe(
      "2024-01-02",
    );
  });
});
