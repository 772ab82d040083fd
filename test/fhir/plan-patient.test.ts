/** Which study has the say about each part of a Patient, and what must not be lost of it. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Patient } from "fhir/r4";
import type { Found } from "../../src/fhir/plan.ts";
import { planPatient } from "../../src/fhir/plan-patient.ts";
import { AS_OF_URL, INCLUDES, type Include, ownershipOf, type Subject } from "../../src/mapping/index.ts";
import { element, type Json, mapImage, sequence } from "../mapping/datasets.ts";

const include = new Set(Object.keys(INCLUDES) as Include[]);
const OWNED = ownershipOf({ include }).Patient;
type Identified = Extract<Subject, { kind: "patient" }>;
type Policy = "create" | "sync" | "link";

/** The patient of a study of that day. */
function of(day: string, overrides: Json = {}): Identified {
  const { subject } = mapImage(
    { "00080020": element("DA", day), ...overrides },
    { include, timeZone: "Europe/Berlin" },
  );
  if (subject.kind !== "patient") throw new Error(subject.kind);
  // Each day is a study of its own.
  return { ...subject, asOf: `${subject.asOf}.${day}` };
}

/** The Patient after studies are synced in this order; a server's copy each time. */
function synced(studies: readonly Identified[], start?: Found, policy: Policy = "create"): Found & Patient {
  let held = start;
  for (const study of studies) {
    const write = planPatient(
      held === undefined ? { kind: "absent" } : { kind: "found", patient: held },
      study,
      policy,
      OWNED,
    );
    if (write !== undefined) held = JSON.parse(JSON.stringify(write.resource)) as Found;
  }
  if (held === undefined) throw new Error("no Patient");
  return held as Found & Patient;
}

/** Without what tells which study it is from; the order of extensions means nothing. */
function content({ extension, ...rest }: Found & Patient) {
  const others = extension?.filter(({ url }) => url !== AS_OF_URL);
  return { ...rest, extension: others?.sort((a, b) => (a.url < b.url ? -1 : 1)) };
}

const person = (alphabetic: string) => element("PN", { Alphabetic: alphabetic });
const gender = (meaning: string) =>
  sequence({
    "00100044": sequence({
      "00080100": element("SH", meaning),
      "00080102": element("SH", "LN"),
      "00080104": element("LO", meaning),
    }),
  });
const RICH: Json = {
  "00100030": element("DA", "19800715"),
  "00100032": element("TM", "0615"),
  "00100040": element("CS", "F"),
  "00100011": sequence({ "00100012": element("LT", "Jay") }),
  "00101001": person("Roe^Jane"),
  "00101005": person("Poe^Jane"),
  "00100041": gender("A"),
  "00101040": element("LO", "1 Main Street"),
  "00102154": element("SH", "555 1"),
  "00102201": element("LO", "Dog"),
  "00102297": person("Owner^Olga"),
  "00101060": person("Mother^Mary"),
};

describe("a Patient of several studies", () => {
  test("a later study that says nothing erases nothing", () => {
    const rich = of("20240101", RICH);
    const poor = of("20240202", { "00100010": element("PN") });
    const first = synced([rich]);
    expect(content(synced([poor], first))).toEqual(content(first));
  });

  test("the order in which studies are synced does not matter, for any part", () => {
    const a = of("20240101", RICH);
    const b = of("20240202", {
      "00101001": person("Moe^Jane"),
      "00100041": gender("B"),
      "00100030": element("DA", "19800715"),
    });
    const c = of("20240303", {
      "00100010": person("Smith^Jane"),
      "00102154": element("SH", "555 3"),
      "00101040": element("LO", "3 High Street"),
    });
    const expected = content(synced([a, b, c]));
    for (const order of [
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ])
      expect(content(synced(order))).toEqual(expected);
    expect(expected.telecom).toEqual([{ system: "phone", value: "555 3" }]);
    expect(expected.name?.map(({ use, text }) => [use, text])).toEqual([
      [undefined, "Jane Smith"],
      ["usual", "Jay"],
      ["maiden", "Jane Poe"],
      ["old", "Jane Moe"],
    ]);
    expect(expected._birthDate?.extension?.[0]?.valueDateTime).toBe("1980-07-15T06:15:00+02:00");
  });

  test("a second sync of the same study writes nothing", () => {
    const rich = of("20240101", RICH);
    const held = synced([rich]);
    expect(planPatient({ kind: "found", patient: held }, rich, "create", OWNED)).toBeUndefined();
    expect(planPatient({ kind: "found", patient: held }, rich, "sync", OWNED)).toBeUndefined();
  });

  test("a corrected birth date is written, and takes a time of birth of another day away", () => {
    const held = synced([of("20240101", RICH), of("20240202", { "00100030": element("DA", "19800716") })]);
    expect(held.birthDate).toBe("1980-07-16");
    expect(held).not.toHaveProperty("_birthDate");
  });

  test("a changed name leaves nothing of the old one: no prefix, no suffix, no middle name", () => {
    const held = synced([
      of("20240101", { "00100010": person("Doe^Jane^Q^Dr.^Jr.") }),
      of("20240202", { "00100010": person("Roe^Jane") }),
    ]);
    expect(held.name).toEqual([expect.objectContaining({ family: "Roe", given: ["Jane"], text: "Jane Roe" })]);
    expect(held.name?.[0]).not.toHaveProperty("prefix");
    expect(held.name?.[0]).not.toHaveProperty("suffix");
  });

  test("a changed name to use does not stay beside the new one", () => {
    const used = (name: string) => ({ "00100011": sequence({ "00100012": element("LT", name) }) });
    const held = synced([of("20240101", used("Jay")), of("20240202", used("Jo"))]);
    expect(held.name?.map(({ text }) => text)).toEqual(["Jane Doe", "Jo"]);
  });

  test("further numbers are added and stay", () => {
    const number = (value: string) => ({ "00101000": element("LO", value) });
    const held = synced([of("20240101", number("X1")), of("20240202", number("X2"))]);
    expect(held.identifier?.map(({ value }) => value)).toEqual(["4711", "X1", "X2"]);
  });
});

describe("a Patient that others keep", () => {
  const ehr: Found & Patient = {
    resourceType: "Patient",
    id: "ehr",
    identifier: [{ system: "urn:oid:1.2.826.99", value: "4711" }],
    name: [{ use: "official", family: "Doe" }],
    gender: "male",
    deceasedDateTime: "2024-02-02",
    address: [{ text: "EHR Street" }],
    telecom: [{ system: "phone", value: "999" }],
    communication: [{ language: { text: "French" } }],
    contact: [{ name: { text: "Next of kin" } }],
    extension: [{ url: "urn:x:theirs", valueString: "kept" }],
  };

  test("create never writes it, whatever the study tells", () => {
    expect(planPatient({ kind: "found", patient: ehr }, of("20240101", RICH), "create", OWNED)).toBeUndefined();
  });

  test("sync gives nobody's Patient a further number: studies under that number would find two Patients, or this one by chance", () => {
    const [number, further] = [
      { system: "urn:oid:1.2.826.99", value: "4711" },
      { "00101002": sequence({ "00100020": element("LO", "4712"), "00100021": element("LO", "HOSP A") }) },
    ];
    const ehr = { resourceType: "Patient", id: "ehr", identifier: [number] } as Found;
    expect(synced([of("20240101", further)], ehr, "sync").identifier).toEqual([number]);
    expect(synced([of("20240101", further)], undefined, "sync").identifier).toHaveLength(2);
  });

  test("sync never sets our detail against or beside theirs", () => {
    const dead = { ...RICH, "00100034": element("LO", "R06-01-01") };
    const held = synced([of("20240101", dead)], ehr, "sync");
    const { deceasedDateTime, address, telecom, communication, contact } = ehr;
    expect(held).toMatchObject({ deceasedDateTime, address, telecom, communication, contact });
    expect(held).not.toHaveProperty("deceasedBoolean");
    expect(held.extension).toContainEqual({ url: "urn:x:theirs", valueString: "kept" });
    expect(held.name).toContainEqual({ use: "official", family: "Doe" });
  });

  test("what somebody else has edited of what we wrote makes the Patient theirs", () => {
    const held = synced([of("20240101", RICH)]);
    for (const edit of [
      { telecom: [{ system: "phone", value: "000" }] },
      { address: [] },
      { contact: [] },
      { extension: held.extension?.filter(({ url }) => !url.endsWith("genderIdentity")) },
      { _birthDate: {} },
    ]) {
      const edited = { ...held, ...edit } as Found;
      expect(
        planPatient(
          { kind: "found", patient: edited },
          of("20240505", { "00100010": person("New^Name") }),
          "create",
          OWNED,
        ),
      ).toBeUndefined();
    }
  });

  test("what others add where we wrote nothing leaves the Patient ours, and stays", () => {
    const held = {
      ...synced([of("20240101")]),
      telecom: [{ system: "phone", value: "999" }],
      photo: [{ title: "x" }],
    } as Found;
    const next = synced([of("20240202", { "00100010": person("Roe^Jane"), "00102154": element("SH", "555") })], held);
    expect(next.name?.[0]?.family).toBe("Roe");
    expect(next.telecom).toEqual([{ system: "phone", value: "999" }]);
    expect(next.photo).toEqual([{ title: "x" }]);
  });
});

test("a Patient of the first version is still recognised as ours, and needs no write when nothing has changed", () => {
  const plain = of("20240101", { "00100040": element("CS", "F") });
  const held = synced([plain]);
  const record = held.extension?.find(({ url }) => url === AS_OF_URL)?.extension;
  expect(record?.map(({ url }) => url)).toEqual(["digest", "name", "gender"]);
  // What the first version took the digest of: name, gender and birth date, members in the order of the alphabet.
  const name = {
    extension: [{ url: "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", valueCode: "ABC" }],
    family: "Doe",
    given: ["Jane"],
    text: "Jane Doe",
  };
  const digest = createHash("sha256")
    .update(JSON.stringify([[name], "female", null]))
    .digest("hex")
    .slice(0, 32);
  expect(record?.[0]?.valueString).toBe(digest);
  expect(planPatient({ kind: "found", patient: held }, plain, "create", OWNED)).toBeUndefined();
});
