/** Whose Patient a study gets: what must never be joined, and what finds nobody. */
import { describe, expect, test } from "@jest/globals";
import { mapDatasets } from "../../src/mapping/index.ts";
import { studyId } from "../../src/study.ts";
import { ctImage, element, issuesOf, type Json, mapImage, mapStudy, OPTIONS, patientOf, sequence } from "./datasets.ts";

const REMOVED = { "00120062": element("CS", "YES") };
const uidOf = (study: string): Json => ({ "0020000D": element("UI", study) });

/** Subjects of several studies mapped at once, by Study Instance UID. */
function subjects(datasets: readonly Json[]) {
  const { studies } = mapDatasets(datasets, OPTIONS, "http://dicom.example/v2");
  return studies.map(({ subject }) => {
    if (subject.kind !== "patient") throw new Error(subject.kind);
    return { id: subject.patient.id, ...subject.identifier };
  });
}

describe("de-identified and synthetic data", () => {
  test.each<[string, Json]>([
    ["identity removed", REMOVED],
    ["a method of de-identification", { "00120063": element("LO", "script") }],
    ["synthetic", { "0008001C": element("CS", "YES") }],
  ])("%s: the study is never joined to the real Patient with the same ID", (_name, flags) => {
    const [real, other] = subjects([ctImage(1, uidOf("1.2.1")), ctImage(1, { ...uidOf("1.2.2"), ...flags })]);
    expect(real).toMatchObject({ system: "urn:oid:1.2.826.99", value: "4711" });
    expect(other?.value).toBe("4711");
    expect(other?.id).not.toBe(real?.id);
    expect(other?.system).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  });

  test("a de-identified study leads to no real person's order, visit or procedure by a number", () => {
    const issuer = sequence({ "00400032": element("UT", "1.2.40.1"), "00400033": element("CS", "ISO") });
    const numbers = {
      "00080050": element("SH", "A1"),
      "00080051": issuer,
      "00380010": element("LO", "V1"),
      "00380014": issuer,
      "00400253": element("SH", "S1"),
      "00402016": element("LO", "O1"),
      "00400026": issuer,
    };
    const options = { accessionSystem: "urn:x:acsn", procedureStepIdSystem: "urn:x:step" };
    const { identifier, basedOn, encounter, procedureReference } = mapImage(
      { ...REMOVED, ...numbers },
      options,
    ).imagingStudy;
    const led = [basedOn, encounter, procedureReference, identifier?.filter(({ type }) => type !== undefined)];
    expect(JSON.stringify(led)).not.toContain('"system":"urn:');
    expect(basedOn?.map((order) => order.identifier?.value)).toEqual(["A1", "O1"]);
    expect(encounter?.identifier?.value).toBe("V1");
    const real = mapImage(numbers, options).imagingStudy;
    expect(real.basedOn?.[0]?.identifier?.system).toBe("urn:oid:1.2.40.1");
  });

  test("two de-identified studies with one ID are never joined: pseudonyms of two projects may be equal", () => {
    const [a, b] = subjects([
      ctImage(1, { ...uidOf("1.2.1"), ...REMOVED }),
      ctImage(1, { ...uidOf("1.2.2"), ...REMOVED }),
    ]);
    expect(a?.system).not.toBe(b?.system);
    expect(a?.id).not.toBe(b?.id);
  });

  test("the same study gives the same identity at each reading, and another one from another source", () => {
    const one = mapImage(REMOVED).subject;
    expect(mapImage(REMOVED).subject).toEqual(one);
    expect(patientOf(mapImage(REMOVED, { sourceId: "other" }))?.id).not.toBe(patientOf(mapImage(REMOVED))?.id);
  });

  test("its Patient has one identifier, typed anonymous, and neither other ids nor names", () => {
    const patient = patientOf(
      mapImage({
        ...REMOVED,
        "00101002": sequence({ "00100020": element("LO", "B77"), "00100021": element("LO", "HOSP A") }),
        "00101001": element("PN", { Alphabetic: "Roe^Jane" }),
      }),
    );
    expect(patient?.identifier?.map(({ type }) => type?.coding?.[0]?.code)).toEqual(["ANON"]);
    expect(patient?.name?.map(({ use }) => use)).toEqual(["anonymous"]);
  });

  test("one marked instance among real ones takes nothing from it, and is told", () => {
    const marked = ctImage(3, { ...REMOVED, "00100010": element("PN", { Alphabetic: "Anon" }) });
    const mapped = mapStudy([ctImage(1), ctImage(2), marked]);
    expect(mapped.subject).toMatchObject({ identifier: { system: "urn:oid:1.2.826.99" }, display: "Jane Doe" });
    expect(patientOf(mapped)?.meta).not.toHaveProperty("security");
    expect(issuesOf(mapped)).toContain("PatientID several-patients");
  });

  test("a flag that is neither YES nor NO is told", () => {
    expect(issuesOf(mapImage({ "00120062": element("CS", "MAYBE") }))).toEqual(["PatientIdentityRemoved unknown-code"]);
  });
});

describe("further numbers", () => {
  test("other patient ids never change who the patient is", () => {
    const others = sequence({ "00100020": element("LO", "B77"), "00100021": element("LO", "HOSP A") });
    const plain = mapImage({});
    const more = mapImage({ "00101002": others });
    expect(patientOf(more)?.id).toBe(patientOf(plain)?.id);
    expect(more.subject).toMatchObject({ identifier: { system: "urn:oid:1.2.826.99", value: "4711" } });
    expect(patientOf(more)?.identifier?.[1]).toMatchObject({ use: "secondary", value: "B77" });
  });

  test("an id without an issuer of its own never gets the default system", () => {
    const patient = patientOf(mapImage({ "00101002": sequence({ "00100020": element("LO", "B77") }) }));
    expect(patient?.identifier?.[1]).toEqual({ use: "secondary", value: "B77" });
  });

  test("instances that tell an id and instances that do not: the id stays", () => {
    const others = sequence({ "00100020": element("LO", "B77"), "00100021": element("LO", "HOSP A") });
    const mapped = mapStudy([ctImage(1), ctImage(2), ctImage(3, { "00101002": others })]);
    expect(patientOf(mapped)?.identifier).toHaveLength(2);
  });

  test("more than 32 are an error of the source, and told", () => {
    const ids = Array.from({ length: 40 }, (_, index) => ({ "00100020": element("LO", `X${index}`) }));
    const mapped = mapImage({ "00101002": sequence(...ids) });
    expect(patientOf(mapped)?.identifier).toHaveLength(33);
    expect(issuesOf(mapped)).toEqual(["OtherPatientIDsSequence too-many-values"]);
  });
});

describe("partitions", () => {
  const issuerSystems = { "partition:north": "https://north.example/mrn" };
  const systemIn = (partition: string, patientIdSystem: string | undefined) => {
    const options = { ...OPTIONS, issuerSystems, patientIdSystem };
    const { studies } = mapDatasets([ctImage(1)], options, "http://dicom.example/v2", partition);
    const [study] = studies;
    expect(study?.study).toBe(studyId(partition, "1.2.826.1.1"));
    return study?.subject.kind === "patient" ? study.subject.identifier.system : study?.subject.kind;
  };

  test("a partition's system stands for its Patient IDs without an issuer, and for no other partition's", () => {
    expect(systemIn("north", undefined)).toBe("https://north.example/mrn");
    expect(systemIn("south", undefined)).toBe("issuer-unknown");
    expect(systemIn("north", "urn:oid:1.2.3")).toBe("https://north.example/mrn");
    expect(systemIn("south", "urn:oid:1.2.3")).toBe("urn:oid:1.2.3");
  });
});

describe("quality control", () => {
  test("a phantom never becomes a Patient, whatever its issuer", () => {
    for (const patientIdSystem of ["urn:oid:1.2.3", undefined]) {
      const { subject } = mapImage({ "00100200": element("CS", "YES") }, { patientIdSystem });
      expect(subject.kind).toBe("device");
    }
  });

  test("images of a patient beside one of a phantom: the patient stays", () => {
    const phantom = ctImage(3, { "00100200": element("CS", "YES"), "00100020": element("LO", "ACR") });
    expect(mapStudy([ctImage(1), ctImage(2), phantom]).subject).toMatchObject({ identifier: { value: "4711" } });
  });
});

describe("opt-in elements", () => {
  test("an unusable code in a sequence leaves the item out, not the rest", () => {
    const mapped = mapImage(
      { "00100041": sequence({ "00100045": element("UT", "only a comment") }), "00102154": element("SH", "555") },
      { include: new Set(["gender-identity", "telecom"]) },
    );
    expect(patientOf(mapped)).not.toHaveProperty("extension");
    expect(patientOf(mapped)?.telecom).toEqual([{ system: "phone", value: "555" }]);
  });

  test("a language tag that is none, or of a private scheme, is never written as a code", () => {
    const language = (code: string, scheme: string) =>
      patientOf(
        mapImage(
          {
            "00100101": sequence({
              "00080100": element("SH", code),
              "00080102": element("SH", scheme),
              "00080104": element("LO", "Klingon"),
            }),
          },
          { include: new Set(["language"]) },
        ),
      )?.communication?.[0]?.language;
    expect(language("tlh", "RFC5646")).toEqual({
      coding: [{ system: "urn:ietf:bcp:47", code: "tlh" }],
      text: "Klingon",
    });
    expect(language("no tag!", "RFC5646")).toEqual({ text: "Klingon" });
    expect(language("tlh", "99X")).toEqual({ text: "Klingon" });
  });
});
