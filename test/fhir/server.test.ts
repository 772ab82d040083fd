/** Look-up, plan and write against servers: the emulator, the emulator answering like HAPI, and, with `npm run test:hapi`, a real HAPI FHIR. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startFhirEmulator } from "../../emulators/fhir/index.ts";
import { StudycastError } from "../../src/errors.ts";
import {
  carryOut,
  checkServer,
  createFhirClient,
  endpointExists,
  ensureEndpoints,
  type FhirClient,
  lookUpPatient,
  lookUpStudy,
  type Outcome,
  ownedStudies,
  type Plan,
  planRemoval,
  planStudy,
  probe,
  type WantedVersion,
  type WritePolicy,
} from "../../src/fhir/index.ts";
import {
  CREATED_TAG,
  endpointResources,
  type MappingOptions,
  ownershipOf,
  type StudyResources,
  studyIdentity,
  TAG_SYSTEM,
} from "../../src/mapping/index.ts";
import { parseStudyId } from "../../src/study.ts";
import { MAPPING, type Sample, study } from "./samples.ts";

const signal = new AbortController().signal;
type Server = { url: string; stop(): Promise<void> };
const emulator = (hapi: boolean) => async (): Promise<Server> => {
  const { url, close } = await startFhirEmulator({ hapi });
  return { url, stop: close };
};
const real = process.env["HAPI"] === undefined ? undefined : process.env["FHIR_CONTRACT_URL"];
const servers: [string, () => Promise<Server>][] =
  real === undefined
    ? [
        ["the emulator", emulator(false)],
        ["the emulator answering like HAPI", emulator(true)],
      ]
    : [["HAPI", async () => ({ url: real, stop: async () => {} })]];

/** Of the emulators, only the one that answers like HAPI refuses to delete what others refer to. */
const expectedWhenReferred = (name: string) => (name.includes("HAPI") ? "entered-in-error" : undefined);

for (const [name, start] of servers) {
  describe(`on ${name}`, () => {
    let server: Server;
    let client: FhirClient;
    beforeAll(async () => {
      server = await start();
      client = createFhirClient({ url: server.url, requestTimeoutMs: 20_000, maxBytes: 50_000_000 });
    });
    afterAll(async () => {
      await client?.close();
      await server?.stop();
    });

    /** Everything of one test is its own: source, patient and study. */
    const world = () => {
      const key = randomUUID().slice(0, 8);
      const options: MappingOptions = { ...MAPPING, sourceId: `pacs-${key}` };
      const uid = `1.2.840.${Number.parseInt(key, 16)}`;
      const make = (sample: Sample = {}) => study({ uid, patientId: `P-${key}`, ...sample }, options);
      return { options, uid, make, sourceId: options.sourceId, patientId: `P-${key}` };
    };
    const look = (wanted: StudyResources, sourceId: string) =>
      lookUpStudy(client, studyIdentity(sourceId, wanted.study), signal);
    const prepare = async (
      wanted: StudyResources,
      sourceId: string,
      policy: WritePolicy["patientPolicy"] = "create",
    ): Promise<Plan> => {
      const found = await look(wanted, sourceId);
      const { partition } = parseStudyId(wanted.study);
      const address = partition === "Microsoft.Default" ? "http://pacs/v2" : `http://pacs/v2/partitions/${partition}`;
      const endpoints = endpointResources({ sourceId }, partition, address);
      await ensureEndpoints(client, { endpoints, ownership: ownershipOf({}) }, found, signal);
      const patient =
        wanted.subject.kind === "patient" ? await lookUpPatient(client, wanted.subject, signal) : undefined;
      return planStudy(found, patient, wanted, { patientPolicy: policy });
    };
    const sync = async (
      wanted: StudyResources,
      sourceId: string,
      policy?: WritePolicy["patientPolicy"],
    ): Promise<Outcome> => carryOut(client, await prepare(wanted, sourceId, policy), {}, signal);
    const removal = async (
      wanted: StudyResources,
      sourceId: string,
      deletePolicy: WritePolicy["deletePolicy"] = "delete",
    ) => carryOut(client, planRemoval(await look(wanted, sourceId), { deletePolicy }), {}, signal);
    const read = (wanted: StudyResources) => client.read("ImagingStudy", String(wanted.imagingStudy.id), signal);
    const code = async (work: Promise<unknown>) => {
      try {
        return await work;
      } catch (error) {
        return error instanceof StudycastError ? error.code : error;
      }
    };

    test("the server passes the check, answers the probe and has no Endpoint of a new source", async () => {
      await checkServer(client, "auto", signal);
      expect(await probe(client, "none-yet", signal)).toBe(true);
      expect(await endpointExists(client, "none-yet", signal)).toBe(false);
    });

    test("a study is created, then unchanged, then updated, then deleted and created again", async () => {
      const { make, sourceId } = world();
      expect(await sync(make(), sourceId)).toMatchObject({ kind: "done", writes: 2 });
      expect(await prepare(make(), sourceId)).toEqual({ kind: "unchanged" });
      expect(await sync(make({ images: 3 }), sourceId)).toMatchObject({ kind: "done", writes: 1 });
      expect(await read(make())).toMatchObject({ numberOfInstances: 3 });
      expect(await removal(make(), sourceId)).toMatchObject({ kind: "done", writes: 1 });
      expect(await read(make())).toBeUndefined();
      expect(await removal(make(), sourceId)).toMatchObject({ kind: "done", writes: 0 });
      expect(await sync(make(), sourceId)).toMatchObject({ kind: "done", writes: 1 });
      expect(await prepare(make(), sourceId)).toEqual({ kind: "unchanged" });
    });

    test("a Patient ID with FHIR's search characters finds its own Patient and nobody else's", async () => {
      const { make, sourceId, patientId } = world();
      const odd = make({ patientId: `${patientId},A|B$C\\D&E+F` });
      await sync(odd, sourceId);
      expect(await prepare(odd, sourceId)).toEqual({ kind: "unchanged" });
      expect(await sync(make({ patientId: `${patientId},A` }), sourceId)).toMatchObject({ writes: 2 });
    });

    test("what others add between two syncs stays, and the second sync writes nothing", async () => {
      const { make, sourceId } = world();
      await sync(make(), sourceId);
      const held = await read(make());
      if (held === undefined) throw new Error("not written");
      const extension = [{ url: "urn:x:ext", valueString: "theirs" }];
      const meta = held["meta"] as { tag: object[] };
      const note = [{ text: "theirs" }];
      const identifier = [...(held["identifier"] as object[]), { system: "urn:x", value: "theirs" }];
      await client.put(
        {
          ...held,
          id: String(held.id),
          extension,
          note,
          identifier,
          meta: { tag: [...meta.tag, { system: "urn:x", code: "theirs" }] },
        },
        undefined,
        signal,
      );
      expect(await prepare(make(), sourceId)).toEqual({ kind: "unchanged" });
      await sync(make({ images: 3 }), sourceId);
      expect(await read(make())).toMatchObject({ extension, note, numberOfInstances: 3, identifier });
      expect(await read(make())).toMatchObject({ meta: { tag: [expect.anything(), expect.anything()] } });
      expect(await prepare(make({ images: 3 }), sourceId)).toEqual({ kind: "unchanged" });
    });

    test("a study that others made for the UID is adopted; after its last image it is theirs again", async () => {
      const { make, sourceId, uid } = world();
      const id = `ris-${randomUUID().slice(0, 8)}`;
      const identifier = [{ system: "urn:dicom:uid", value: `urn:oid:${uid}` }];
      await client.put(
        {
          resourceType: "ImagingStudy",
          id,
          status: "registered",
          identifier,
          subject: { display: "x" },
          note: [{ text: "theirs" }],
        },
        undefined,
        signal,
      );
      await sync(make(), sourceId);
      expect(await read(make())).toBeUndefined();
      expect(await client.read("ImagingStudy", id, signal)).toMatchObject({
        numberOfInstances: 2,
        note: [{ text: "theirs" }],
      });
      expect(await prepare(make(), sourceId)).toEqual({ kind: "unchanged" });
      await removal(make(), sourceId);
      expect(await client.read("ImagingStudy", id, signal)).toMatchObject({
        status: "unknown",
        note: [{ text: "theirs" }],
        identifier,
      });
      expect(await removal(make(), sourceId)).toMatchObject({ writes: 0 });
    });

    test("a plan on an old version is refused, or told as a lost race; the newer content stays", async () => {
      const { make, sourceId } = world();
      await sync(make(), sourceId);
      const late = await prepare(make({ images: 3 }), sourceId);
      await sync(make({ images: 4 }), sourceId);
      expect(await code(carryOut(client, late, {}, signal))).toBe("FHIR_CONFLICT");
      expect(await read(make())).toMatchObject({ numberOfInstances: 4 });
    });

    test("a study deleted between look-up and write, and one created meanwhile, are lost races", async () => {
      const { make, sourceId } = world();
      const first = await prepare(make(), sourceId);
      await sync(make(), sourceId);
      expect(["FHIR_CONFLICT", { kind: "lost-race" }]).toContainEqual(await code(carryOut(client, first, {}, signal)));
      const update = await prepare(make({ images: 3 }), sourceId);
      await removal(make(), sourceId);
      expect(["FHIR_CONFLICT", { kind: "lost-race" }]).toContainEqual(await code(carryOut(client, update, {}, signal)));
      await sync(make(), sourceId);
      const remove = planRemoval(await look(make(), sourceId), { deletePolicy: "delete" });
      await sync(make({ images: 5 }), sourceId);
      expect(await carryOut(client, remove, {}, signal)).toEqual({ kind: "lost-race" });
      expect(await read(make())).toMatchObject({ numberOfInstances: 5 });
    });

    test("of two processes that create one Patient at once the later study has the say, whoever writes last", async () => {
      const { make, sourceId } = world();
      const later = make({ uid: `1.2.9.1.${Date.now()}`, date: "20250101", name: "Married^Jane" });
      const earlier = make({ uid: `1.2.9.2.${Date.now()}`, date: "20200101", name: "Maiden^Jane" });
      const [first, second] = [await prepare(later, sourceId), await prepare(earlier, sourceId)];
      expect(await carryOut(client, first, {}, signal)).toMatchObject({ kind: "done" });
      const outcome = await code(carryOut(client, second, {}, signal));
      expect(["FHIR_CONFLICT", { kind: "lost-race" }]).toContainEqual(outcome);
      await sync(earlier, sourceId);
      const { patient } = later.subject.kind === "patient" ? later.subject : { patient: undefined };
      expect(await client.read("Patient", String(patient?.id), signal)).toMatchObject({
        name: [{ family: "Married" }],
      });
      expect(await prepare(later, sourceId)).toEqual({ kind: "unchanged" });
    });

    test("eight workers that create one Patient at the same time end with one Patient", async () => {
      const { make, sourceId, patientId } = world();
      const studies = Array.from({ length: 8 }, (_, index) => make({ uid: `1.2.9.${index}.${Date.now()}` }));
      const untilDone = async (wanted: StudyResources): Promise<void> => {
        for (;;) {
          const outcome = await code(sync(wanted, sourceId));
          if (
            outcome !== "FHIR_CONFLICT" &&
            !(typeof outcome === "object" && outcome !== null && "kind" in outcome && outcome.kind === "lost-race")
          ) {
            expect(outcome).toMatchObject({ kind: "done" });
            return;
          }
        }
      };
      await Promise.all(studies.map(untilDone));
      const bundle = await client.search(
        "Patient",
        `identifier=${encodeURIComponent(`urn:oid:1.2.3.4|${patientId}`)}`,
        signal,
      );
      expect(bundle["entry"]).toHaveLength(1);
      for (const wanted of studies)
        expect(await read(wanted)).toMatchObject({ subject: { reference: expect.stringMatching(/^Patient\//) } });
    });

    test("a study that others refer to is marked when its deletion is refused, and comes back", async () => {
      const { make, sourceId } = world();
      await sync(make(), sourceId);
      const id = String(make().imagingStudy.id);
      await client.put(
        {
          resourceType: "Observation",
          id: `r-${id.slice(0, 8)}`,
          status: "final",
          code: { text: "x" },
          partOf: [{ reference: `ImagingStudy/${id}` }],
        },
        undefined,
        signal,
      );
      await removal(make(), sourceId);
      // A server without referential integrity deletes it; HAPI refuses.
      expect((await read(make()))?.["status"]).toBe(expectedWhenReferred(name));
      await sync(make(), sourceId);
      expect(await read(make())).toMatchObject({ status: "available" });
      await removal(make(), sourceId, "mark");
      expect(await read(make())).toMatchObject({ status: "entered-in-error" });
      expect(await removal(make(), sourceId, "mark")).toMatchObject({ writes: 0 });
    });

    test("the Patient of a merge's end is taken; a circle, and two Patients, are ambiguous", async () => {
      const { make, sourceId, patientId } = world();
      const { subject } = make();
      if (subject.kind !== "patient") throw new Error(subject.kind);
      const identifier = [{ system: "urn:oid:1.2.3.4", value: patientId }];
      const [a, b] = [`a-${patientId}`, `b-${patientId}`];
      const replacedBy = (id: string) => [{ type: "replaced-by", other: { reference: `Patient/${id}` } }];
      await client.put({ resourceType: "Patient", id: b, name: [{ family: "B" }] }, undefined, signal);
      await client.put(
        { resourceType: "Patient", id: a, identifier, active: false, link: replacedBy(b) },
        undefined,
        signal,
      );
      expect(await lookUpPatient(client, subject, signal)).toMatchObject({ kind: "found", patient: { id: b } });
      await sync(make(), sourceId);
      expect(await read(make())).toMatchObject({ subject: { reference: `Patient/${b}` } });
      await client.put({ resourceType: "Patient", id: b, link: replacedBy(a) }, undefined, signal);
      expect(await lookUpPatient(client, subject, signal)).toEqual({ kind: "ambiguous" });
      await client.put({ resourceType: "Patient", id: b, identifier }, undefined, signal);
      await client.put({ resourceType: "Patient", id: a, identifier }, undefined, signal);
      expect(await lookUpPatient(client, subject, signal)).toEqual({ kind: "ambiguous" });
      expect(await prepare(make({ images: 3 }), sourceId)).toEqual({ kind: "waiting", code: "PATIENT_AMBIGUOUS" });
      await client.put({ resourceType: "Patient", id: a, identifier, active: false }, undefined, signal);
      expect(await lookUpPatient(client, subject, signal)).toMatchObject({ kind: "found", patient: { id: b } });
    });

    test("a further number that we wrote finds nobody; the EHR's further numbers find the EHR's Patient", async () => {
      const { make, patientId } = world();
      const { subject } = make();
      if (subject.kind !== "patient") throw new Error(subject.kind);
      const further = { use: "secondary", system: "urn:oid:1.2.3.4", value: patientId };
      const tag = [{ system: TAG_SYSTEM, code: CREATED_TAG }];
      const ours = { resourceType: "Patient", id: `ours-${patientId}`, meta: { tag }, identifier: [further] };
      await client.put(ours, undefined, signal);
      expect(await lookUpPatient(client, subject, signal)).toEqual({ kind: "absent" });
      const ehr = { resourceType: "Patient", id: `ehr-${patientId}`, identifier: [further] };
      await client.put(ehr, undefined, signal);
      expect(await lookUpPatient(client, subject, signal)).toMatchObject({ kind: "found", patient: { id: ehr.id } });
    });

    test("all studies of a source are found with their partitions, and no other source's", async () => {
      const { make, sourceId, uid } = world();
      const mine = [make(), make({ partition: "ward-7" }), make({ uid: `${uid}.2`, partition: "ward-7" })];
      for (const wanted of mine) await sync(wanted, sourceId);
      const other = world();
      await sync(other.make({ uid }), other.sourceId);
      const found = [];
      for await (const one of ownedStudies(client, sourceId, signal)) found.push(one);
      expect(found.sort()).toEqual(mine.map((wanted) => wanted.study).sort());
    });
  });
}

const check = async (
  options: Parameters<typeof startFhirEmulator>[0],
  path = "",
  wanted: WantedVersion = "auto",
): Promise<unknown> => {
  const { url, close } = await startFhirEmulator(options);
  const client = createFhirClient({ url: `${url}${path}`, requestTimeoutMs: 5000, maxBytes: 5_000_000 });
  try {
    return await checkServer(client, wanted, signal);
  } catch (error) {
    return error instanceof StudycastError ? error.code : error;
  } finally {
    await client.close();
    await close();
  }
};

test("a server that is none, speaks neither R4 nor R5 or chooses ids itself is refused in words", async () => {
  expect(await check({ fhirVersion: "3.0.2" })).toBe("FHIR_VERSION");
  expect(await check({ fhirVersion: "6.0.0-ballot2" })).toBe("FHIR_VERSION");
  expect(await check({ updateCreate: false })).toBe("FHIR_NO_UPDATE_CREATE");
  expect(await check({}, "/Patient/x")).toBe("FHIR_NOT_FHIR");
});

test("the server states the version of FHIR that is written, and the option overrides it", async () => {
  expect(await check({})).toBe("R4");
  expect(await check({ fhirVersion: "4.3.0" })).toBe("R4");
  expect(await check({ fhirVersion: "5.0.0" })).toBe("R5");
  expect(await check({ fhirVersion: "3.0.2" }, "", "R4")).toBe("R4");
  expect(await check({ fhirVersion: "4.0.1" }, "", "R5")).toBe("R5");
});
