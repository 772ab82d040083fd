import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type FoundPatient,
  type FoundStudy,
  type Plan,
  planRemoval,
  planStudy,
  type WritePolicy,
} from "../../src/fhir/index.ts";
import type { Found } from "../../src/fhir/plan.ts";
import { AS_OF_URL, type StudyResources, studyIdentity } from "../../src/mapping/index.ts";
import { study } from "./samples.ts";

const CREATE = { patientPolicy: "create" } as const;
const absent: FoundPatient = { kind: "absent" };
const nothing = (wanted: StudyResources): FoundStudy => ({
  identity: studyIdentity("pacs", wanted.study),
  own: [],
  sameUid: [],
  endpoints: [],
});
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** What a server holds after a plan: stored, with its own meta and its members in another order. */
function stored(plan: Plan, type: string): Found {
  if (plan.kind !== "write") throw new Error(plan.kind);
  const write = plan.writes.find(({ resource }) => resource.resourceType === type);
  if (write === undefined) throw new Error(`no ${type} written`);
  const { meta, ...rest } = copy(write.resource) as Found & { meta?: object };
  const reversed = Object.fromEntries(Object.entries(rest).reverse()) as Found;
  return { ...reversed, meta: { source: "#abc", versionId: "1", lastUpdated: "2024-01-01T00:00:00Z", ...meta } };
}
const studies = (plan: Plan) =>
  plan.kind === "write" ? plan.writes.map(({ resource }) => resource.resourceType) : plan.kind;
const held = (wanted: StudyResources, imagingStudy: Found): FoundStudy => ({ ...nothing(wanted), own: [imagingStudy] });
const is = (patient: Found): FoundPatient => ({ kind: "found", patient });

describe("planning a study", () => {
  test("a new study is its Patient and its ImagingStudy, both expected to be created", () => {
    const plan = planStudy(nothing(study()), absent, study(), CREATE);
    expect(studies(plan)).toEqual(["Patient", "ImagingStudy"]);
    expect(plan).toMatchObject({ writes: [{ expect: "created" }, { expect: "created" }] });
    const imagingStudy = stored(plan, "ImagingStudy");
    expect(imagingStudy).toMatchObject({
      subject: { reference: `Patient/${stored(plan, "Patient").id}`, identifier: { value: "P1" } },
    });
  });

  test("a study that FHIR holds as it is needs no write, whatever order, meta and narrative the server gives it", () => {
    const plan = planStudy(nothing(study()), absent, study(), CREATE);
    const imagingStudy = { ...stored(plan, "ImagingStudy"), text: { status: "generated", div: "<div/>" } };
    expect(planStudy(held(study(), imagingStudy), is(stored(plan, "Patient")), study(), CREATE)).toEqual({
      kind: "unchanged",
    });
  });

  test("a changed study is written on the version looked up, without the server's own meta", () => {
    const plan = planStudy(nothing(study()), absent, study(), CREATE);
    const next = planStudy(
      held(study(), stored(plan, "ImagingStudy")),
      is(stored(plan, "Patient")),
      study({ images: 3 }),
      CREATE,
    );
    expect(next).toMatchObject({
      writes: [{ expect: "updated", ifMatch: 'W/"1"', resource: { numberOfInstances: 3 } }],
    });
    expect(stored(next, "ImagingStudy")["meta"]).toMatchObject({
      tag: [{ system: "urn:studycast:tag", code: "created" }],
    });
    if (next.kind === "write") expect(Object.keys(next.writes[0]?.resource["meta"] ?? {})).toEqual(["tag"]);
  });

  test("whatever others add is still there after the next sync, and the sync after that writes nothing", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const foreign = fc.record({
      tag: word,
      extension: word,
      identifier: word,
      note: word,
      place: word,
      status: fc.boolean(),
      images: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(foreign, (f) => {
        const first = planStudy(nothing(study()), absent, study(), CREATE);
        const imagingStudy = stored(first, "ImagingStudy") as Found & {
          series: Record<string, unknown>[];
          identifier: unknown[];
          meta: { tag: unknown[] };
          endpoint: unknown[];
        };
        const extension = { url: `urn:x:${f.extension}`, valueString: f.note };
        const tag = { system: "urn:x:tag", code: f.tag };
        const identifier = { system: `urn:x:${f.identifier}`, value: f.identifier };
        const series = imagingStudy.series[0] as { instance: Record<string, unknown>[] } & Record<string, unknown>;
        const edited = {
          ...imagingStudy,
          extension: [extension],
          note: [{ text: f.note }],
          location: { display: f.place },
          meta: { ...imagingStudy.meta, tag: [tag, ...imagingStudy.meta.tag], profile: [`urn:x:${f.tag}`] },
          identifier: [identifier, ...imagingStudy.identifier],
          endpoint: [{ reference: `Endpoint/${f.identifier}` }, ...imagingStudy.endpoint],
          series: [
            {
              ...series,
              extension: [extension],
              endpoint: [{ display: f.place }],
              instance: series.instance.map((one) => ({ ...one, extension: [extension] })),
            },
          ],
          ...(f.status ? { status: "unknown" } : {}),
        };
        const patient = is(stored(first, "Patient"));
        const wanted = study({ images: f.images });
        const second = planStudy(held(wanted, edited as Found), patient, wanted, CREATE);
        const after = (second.kind === "unchanged" ? edited : stored(second, "ImagingStudy")) as typeof edited & {
          status: string;
        };
        expect(after.meta.tag).toContainEqual(tag);
        expect(after.meta.profile).toEqual([`urn:x:${f.tag}`]);
        expect(after).toMatchObject({
          extension: [extension],
          note: edited.note,
          location: edited.location,
          status: "available",
          numberOfInstances: f.images,
        });
        expect(after.identifier).toEqual(edited.identifier);
        expect(after.endpoint).toEqual(edited.endpoint);
        expect(after.series[0]).toMatchObject({ extension: [extension], endpoint: [{ display: f.place }] });
        expect(after.series[0]?.instance).toHaveLength(f.images);
        expect(after.series[0]?.instance[0]).toMatchObject({ extension: [extension] });
        expect(planStudy(held(wanted, after as Found), patient, wanted, CREATE)).toEqual({ kind: "unchanged" });
      }),
      { numRuns: 200 },
    );
  });
});

describe("adoption", () => {
  const uid = { system: "urn:dicom:uid", value: "urn:oid:1.2.840.1" };
  const other = (extra: object = {}): Found => ({
    resourceType: "ImagingStudy",
    id: "ris-1",
    status: "available",
    identifier: [uid],
    ...extra,
  });
  const target = (sameUid: Found[], own: Found[] = []) => {
    const plan = planStudy({ ...nothing(study()), sameUid, own }, absent, study(), CREATE);
    return plan.kind === "write" ? plan.writes.at(-1) : plan;
  };

  test("the only study that others made for the UID is adopted, keeps its id and gets no tag of ours", () => {
    const write = target([other()]);
    expect(write).toMatchObject({ expect: "updated", resource: { id: "ris-1" } });
    expect(JSON.stringify(write)).toContain(studyIdentity("pacs", study().study).ownIdentifier.value);
    expect(JSON.stringify(write)).not.toContain("urn:studycast:tag");
  });

  test.each([
    [
      "one of another source",
      [
        other({
          identifier: [uid, { system: "urn:ietf:rfc:3986", value: "urn:uuid:0b0a0c5e-0000-5000-8000-000000000000" }],
        }),
      ],
    ],
    ["one of several", [other(), other({ id: "ris-2" })]],
    ["one that was retracted", [other({ status: "entered-in-error" })]],
  ])("%s is not adopted: ours is created beside it", (_name, sameUid) => {
    expect(target(sameUid)).toMatchObject({
      expect: "created",
      resource: { id: studyIdentity("pacs", study().study).studyResourceId },
    });
  });

  test("several of ours wait for a person", () => {
    expect(target([], [other(), other({ id: "b" })])).toEqual({ kind: "waiting", code: "STUDY_AMBIGUOUS" });
  });
});

describe("the study's patient", () => {
  const plan = (
    wanted: StudyResources,
    patient: FoundPatient | undefined,
    patientPolicy: WritePolicy["patientPolicy"] = "create",
    found = nothing(wanted),
  ) => planStudy(found, patient, wanted, { patientPolicy });
  const ehr: Found = {
    resourceType: "Patient",
    id: "ehr-1",
    identifier: [{ system: "urn:oid:1.2.3.4", value: "P1" }],
    name: [{ family: "Doe" }],
  };

  test("several Patients with the identifier: the study waits", () => {
    expect(plan(study(), { kind: "ambiguous" })).toEqual({ kind: "waiting", code: "PATIENT_AMBIGUOUS" });
  });

  test("link never writes a Patient: without a match the subject is the identifier", () => {
    const none = plan(study(), absent, "link");
    expect(studies(none)).toEqual(["ImagingStudy"]);
    expect(stored(none, "ImagingStudy")["subject"]).toEqual({
      type: "Patient",
      identifier: { system: "urn:oid:1.2.3.4", value: "P1" },
      display: expect.any(String),
    });
    expect(studies(plan(study(), is(ehr), "link"))).toEqual(["ImagingStudy"]);
  });

  test("create never writes a Patient of others; sync does, and keeps what is not ours", () => {
    expect(studies(plan(study(), is(ehr), "create"))).toEqual(["ImagingStudy"]);
    const patient = stored(
      plan(study(), is({ ...ehr, telecom: [{ value: "1" }], birthDate: "1970-01-02" }), "sync"),
      "Patient",
    );
    expect(patient).toMatchObject({ id: "ehr-1", gender: "female", telecom: [{ value: "1" }] });
  });

  test("an older study does not overwrite a newer one's demographics, whatever order they are synced in", () => {
    const old = study({ uid: "1.2.1", date: "20200101", name: "Maiden^Jane", birthDate: "19700103" });
    const recent = study({ uid: "1.2.2", date: "20240101", name: "Married^Jane", birthDate: "" });
    const run = (order: StudyResources[]) => {
      let patient: FoundPatient = absent;
      for (const wanted of order) {
        const next: Plan = plan(wanted, patient);
        if (studies(next).includes("Patient")) patient = is(stored(next, "Patient"));
      }
      return patient.kind === "found" ? patient.patient : undefined;
    };
    const [one, two] = [run([old, recent, old]), run([recent, old])];
    expect(one).toMatchObject({ name: [{ text: expect.stringContaining("Married") }], birthDate: "1970-01-03" });
    expect(two).toMatchObject({ name: one?.["name"], birthDate: one?.["birthDate"], extension: one?.["extension"] });
  });

  test("a Patient made by a study without demographics is written no second time, and filled by one that has them", () => {
    const empty = study({ uid: "1.2.1", name: "", sex: "", birthDate: "" });
    const made = is(stored(plan(empty, absent), "Patient"));
    expect(studies(plan(empty, made))).not.toContain("Patient");
    const full = stored(plan(study({ uid: "1.2.2", name: "Doe^Jane" }), made), "Patient");
    expect(full).toMatchObject({ name: [{ text: expect.stringContaining("Doe") }] });
  });

  test("a Patient that somebody else has edited since is theirs from then on", () => {
    const made = stored(plan(study(), absent), "Patient");
    const wanted = study({ name: "New^Name" });
    expect(studies(plan(wanted, is(made)))).toContain("Patient");
    expect(studies(plan(wanted, is({ ...made, gender: "other" })))).not.toContain("Patient");
    expect(studies(plan(wanted, is({ ...made, telecom: [{ value: "1" }] })))).toContain("Patient");
  });

  test("the survivor of a merge does not get the retired Patient's number", () => {
    const survivor: Found = { ...ehr, identifier: [{ system: "urn:oid:1.2.3.4", value: "P2" }] };
    const patient = stored(plan(study({ name: "New^Name" }), is(survivor), "sync"), "Patient");
    expect(patient["identifier"]).toEqual(survivor["identifier"]);
  });

  test("nothing is erased by an empty DICOM value", () => {
    const made = stored(plan(study(), absent), "Patient");
    expect(
      plan(
        study({ name: "", sex: "", birthDate: "" }),
        is(made),
        "sync",
        held(study(), stored(plan(study(), absent), "ImagingStudy")),
      ),
    ).not.toMatchObject({
      writes: expect.arrayContaining([
        expect.objectContaining({ resource: expect.objectContaining({ resourceType: "Patient" }) }),
      ]),
    });
    expect(made["extension"]).toMatchObject([{ url: AS_OF_URL }]);
  });

  test("a changed Patient ID moves the study; an emptied one takes it off the wrong person", () => {
    const imagingStudy = stored(plan(study(), absent), "ImagingStudy");
    const moved = study({ patientId: "P2" });
    expect(stored(plan(moved, absent, "create", held(moved, imagingStudy)), "ImagingStudy")).toMatchObject({
      subject: { identifier: { value: "P2" } },
    });
    const emptied = study({ patientId: "" });
    const { subject } = stored(
      plan(emptied, undefined, "create", held(emptied, imagingStudy)),
      "ImagingStudy",
    ) as unknown as { subject: Record<string, unknown> };
    expect(subject["reference"]).toBeUndefined();
    expect(subject["identifier"]).toBeUndefined();
    expect(subject["extension"]).toMatchObject([{ valueCode: "unknown" }]);
  });

  test("an identifier without a system is never written", () => {
    const wanted = study();
    if (wanted.subject.kind !== "patient") throw new Error("no patient");
    const without: StudyResources = {
      ...wanted,
      subject: { ...wanted.subject, identifier: { system: "", value: "P1" } },
    };
    expect(plan(without, absent)).toEqual({ kind: "waiting", code: "ISSUER_UNKNOWN" });
  });
});

describe("the last image's deletion", () => {
  const ours = stored(planStudy(nothing(study()), absent, study(), CREATE), "ImagingStudy");

  test("removes only what we made", () => {
    expect(planRemoval(held(study(), ours), { deletePolicy: "delete" })).toMatchObject({ kind: "remove", id: ours.id });
    expect(planRemoval(nothing(study()), { deletePolicy: "delete" })).toEqual({ kind: "unchanged" });
    const foreign: Found = { resourceType: "ImagingStudy", id: "ris-1" };
    expect(planRemoval({ ...nothing(study()), sameUid: [foreign] }, { deletePolicy: "delete" })).toEqual({
      kind: "unchanged",
    });
  });

  test("marks when told to mark, once", () => {
    const plan = planRemoval(held(study(), ours), { deletePolicy: "mark" });
    expect(plan).toMatchObject({ kind: "write", writes: [{ resource: { status: "entered-in-error" } }] });
    expect(planRemoval(held(study(), stored(plan, "ImagingStudy")), { deletePolicy: "mark" })).toEqual({
      kind: "unchanged",
    });
  });

  test("takes our parts off an adopted study and keeps the rest", () => {
    const adopted = { ...ours, id: "ris-1", meta: { versionId: "4" }, note: [{ text: "theirs" }] };
    const plan = planRemoval(held(study(), adopted), { deletePolicy: "delete" });
    const left = stored(plan, "ImagingStudy");
    expect(left).toMatchObject({
      id: "ris-1",
      status: "unknown",
      note: [{ text: "theirs" }],
      identifier: [{ system: "urn:dicom:uid" }],
    });
    expect(left["series"] ?? left["endpoint"]).toBeUndefined();
  });
});
