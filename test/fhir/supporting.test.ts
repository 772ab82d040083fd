/** Devices, and the people, places and orders a site asks for: looked up with the Patient, written with the study, never a reason for it to wait. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startFhirEmulator } from "../../emulators/fhir/index.ts";
import {
  carryOut,
  createFhirClient,
  type FhirClient,
  lookUpReferred,
  lookUpStudy,
  planStudy,
} from "../../src/fhir/index.ts";
import type { Resource } from "../../src/fhir/json.ts";
import type { Found, FoundSupportingResource } from "../../src/fhir/plan.ts";
import { type MappingOptions, type SupportingType, studyIdentity } from "../../src/mapping/index.ts";
import { MAPPING, type Sample, study } from "./samples.ts";

const signal = AbortSignal.timeout(600_000);
const CREATE = { patientPolicy: "create" } as const;
const value = (vr: string, ...values: unknown[]) => ({ vr, Value: values });
const scanner = (serial: string, version = "v1") => ({
  "00080070": value("LO", "ACME"),
  "00081090": value("LO", "Scan 9"),
  "00181000": value("LO", serial),
  "00181020": value("LO", version),
});
const order = (accession: string) => ({
  "00080050": value("SH", accession),
  "00080051": value("SQ", { "00400032": value("UT", "1.2.40.1"), "00400033": value("CS", "ISO") }),
});
const options = (...types: SupportingType[]): MappingOptions => ({ ...MAPPING, upsert: new Set(types) });

let server: Awaited<ReturnType<typeof startFhirEmulator>>;
let client: FhirClient;
beforeAll(async () => {
  server = await startFhirEmulator({});
  client = createFhirClient({ url: server.url, requestTimeoutMs: 20_000, maxBytes: 50_000_000 });
});
afterAll(async () => {
  await client?.close();
  await server?.close();
});

async function sync(sample: Sample, ...types: SupportingType[]) {
  const wanted = study(sample, options(...types));
  const found = await lookUpStudy(client, studyIdentity("pacs", wanted.study), signal);
  const { patient, supporting } = await lookUpReferred(client, wanted, signal);
  const plan = planStudy(found, patient, wanted, CREATE, supporting);
  const outcome = await carryOut(client, plan, {}, signal);
  const imagingStudy = await client.read("ImagingStudy", String(wanted.imagingStudy.id), signal);
  return {
    wanted,
    outcome,
    written: plan.kind === "write" ? plan.writes.map(({ resource }) => resource.resourceType) : [],
    imagingStudy,
  };
}

const performers = (imagingStudy: Resource | undefined) =>
  (imagingStudy as unknown as { series: { performer: { actor: { reference?: string; display?: string } }[] }[] })
    .series[0]?.performer;
const deviceIdOf = (wanted: ReturnType<typeof study>) => String(wanted.supporting[0]?.resource.id);

describe("supporting resources", () => {
  test("a scanner is created once, the next study refers to it and does not write it", async () => {
    const more = scanner("S-1");
    const first = await sync({ uid: "1.2.1", more }, "Device");
    expect(first.written).toEqual(["Patient", "Device", "ImagingStudy"]);
    const id = deviceIdOf(first.wanted);
    expect(performers(first.imagingStudy)?.[0]?.actor).toMatchObject({
      reference: `Device/${id}`,
      display: "ACME Scan 9",
    });
    expect(await client.read("Device", id, signal)).toMatchObject({ manufacturer: "ACME", version: [{ value: "v1" }] });
    const second = await sync({ uid: "1.2.2", date: "20240201", more }, "Device");
    expect(second.written).toEqual(["Patient", "ImagingStudy"]);
    expect((await sync({ uid: "1.2.2", date: "20240201", more }, "Device")).written).toEqual([]);
  });

  test("a newer study updates the scanner, an older one that is synced later sets nothing back", async () => {
    const read = async (wanted: ReturnType<typeof study>) => client.read("Device", deviceIdOf(wanted), signal);
    await sync({ uid: "1.3.1", date: "20240101", more: scanner("S-2", "v1") }, "Device");
    const newer = await sync({ uid: "1.3.2", date: "20240301", more: scanner("S-2", "v2") }, "Device");
    expect(await read(newer.wanted)).toMatchObject({ version: [{ value: "v2" }] });
    expect((await sync({ uid: "1.3.1", date: "20240101", more: scanner("S-2", "v1") }, "Device")).written).toEqual([]);
    expect(await read(newer.wanted)).toMatchObject({ version: [{ value: "v2" }] });
  });

  test("what others add to a scanner that we made stays", async () => {
    const first = await sync({ uid: "1.4.1", date: "20240101", more: scanner("S-3") }, "Device");
    const device = await client.read("Device", deviceIdOf(first.wanted), signal);
    const note = [{ text: "room 4" }];
    await client.put({ ...(device as Found), note }, undefined, signal);
    await sync({ uid: "1.4.2", date: "20240301", more: scanner("S-3", "v9") }, "Device");
    expect(await client.read("Device", deviceIdOf(first.wanted), signal)).toMatchObject({
      note,
      version: [{ value: "v9" }],
    });
  });

  test("an order of others is referred to and not touched", async () => {
    const theirs = {
      resourceType: "ServiceRequest",
      id: "ris-order-1",
      identifier: [{ system: "urn:oid:1.2.40.1", value: "A1" }],
      status: "active",
      intent: "order",
      subject: { display: "somebody" },
    };
    await client.put(theirs, undefined, signal);
    const { imagingStudy, written } = await sync({ uid: "1.5.1", more: order("A1") }, "ServiceRequest");
    expect(written).toEqual(["ImagingStudy"]);
    expect(imagingStudy).toMatchObject({
      basedOn: [{ reference: "ServiceRequest/ris-order-1", identifier: { value: "A1" } }],
    });
    expect(await client.read("ServiceRequest", "ris-order-1", signal)).toMatchObject({
      status: "active",
      intent: "order",
    });
  });

  test("an order of ours has the study's subject", async () => {
    const { wanted, imagingStudy } = await sync({ uid: "1.5.2", more: order("A2") }, "ServiceRequest");
    const made = await client.read("ServiceRequest", String(wanted.supporting[0]?.resource.id), signal);
    expect(made).toMatchObject({ status: "completed", intent: "filler-order", subject: imagingStudy?.["subject"] });
  });

  test("an order of ours goes with its study to another patient", async () => {
    const more = order("A6");
    const before = await sync({ uid: "1.6.1", patientId: "WRONG", more }, "ServiceRequest");
    const after = await sync({ uid: "1.6.1", patientId: "RIGHT", more }, "ServiceRequest");
    const made = await client.read("ServiceRequest", String(before.wanted.supporting[0]?.resource.id), signal);
    expect(made?.["subject"]).toEqual(after.imagingStudy?.["subject"]);
    expect(after.imagingStudy?.["subject"]).not.toEqual(before.imagingStudy?.["subject"]);
    expect((await sync({ uid: "1.6.1", patientId: "RIGHT", more }, "ServiceRequest")).written).toEqual([]);
  });

  test("an order of another patient is not referred to, whoever made it: the number alone is shown", async () => {
    const more = order("A7");
    const newer = await sync({ uid: "1.7.2", date: "20240301", patientId: "P7", more }, "ServiceRequest");
    const older = await sync({ uid: "1.7.1", date: "20240101", patientId: "P8", more }, "ServiceRequest");
    const theirs = {
      resourceType: "ServiceRequest",
      id: "ris-order-8",
      identifier: [{ system: "urn:oid:1.2.40.1", value: "A8" }],
      status: "active",
      intent: "order",
      subject: { reference: "Patient/somebody-else" },
    };
    await client.put({ resourceType: "Patient", id: "somebody-else" }, undefined, signal);
    await client.put(theirs, undefined, signal);
    const other = await sync({ uid: "1.7.3", patientId: "P9", more: order("A8") }, "ServiceRequest");
    for (const { imagingStudy } of [older, other]) {
      const [reference] = (imagingStudy as unknown as { basedOn: object[] }).basedOn;
      expect(reference).toMatchObject({ type: "ServiceRequest", identifier: { type: {} } });
      expect(reference).not.toHaveProperty("reference");
    }
    const made = await client.read("ServiceRequest", String(newer.wanted.supporting[0]?.resource.id), signal);
    expect(made?.["subject"]).toEqual(newer.imagingStudy?.["subject"]);
    expect((await sync({ uid: "1.7.1", date: "20240101", patientId: "P8", more }, "ServiceRequest")).written).toEqual(
      [],
    );
  });

  test("de-identified data, phantoms and data of nobody have no order", () => {
    const deidentified = { "00120062": value("CS", "YES") };
    const phantom = { "00100200": value("CS", "YES") };
    for (const more of [deidentified, phantom, { "00100020": value("LO") }]) {
      const wanted = study({ more: { ...order("A9"), ...more } }, options("ServiceRequest"));
      expect(wanted.supporting).toEqual([]);
      expect(JSON.stringify(wanted.imagingStudy)).not.toContain("ServiceRequest/");
    }
  });

  test("several orders with one number: the reference stays logical, the study is written", async () => {
    for (const id of ["twin-1", "twin-2"])
      await client.put(
        {
          resourceType: "ServiceRequest",
          id,
          identifier: [{ system: "urn:oid:1.2.40.1", value: "A3" }],
          status: "active",
          intent: "order",
          subject: { display: "somebody" },
        },
        undefined,
        signal,
      );
    const { imagingStudy } = await sync({ uid: "1.5.3", more: order("A3") }, "ServiceRequest");
    const [reference] = (imagingStudy as unknown as { basedOn: object[] }).basedOn;
    expect(reference).toMatchObject({ type: "ServiceRequest", identifier: { value: "A3" } });
    expect(reference).not.toHaveProperty("reference");
  });

  test("what could not be looked up is not written, and the references to it stay logical", () => {
    const wanted = study({ more: scanner("S-4") }, options("Device"));
    const nothing = { identity: studyIdentity("pacs", wanted.study), own: [], sameUid: [], endpoints: [] };
    const refused = new Map<string, FoundSupportingResource>([[deviceIdOf(wanted), { kind: "ambiguous" }]]);
    for (const supporting of [new Map(), refused]) {
      const plan = planStudy(nothing, { kind: "absent" }, wanted, CREATE, supporting);
      expect(plan).toMatchObject({
        writes: [{ resource: { resourceType: "Patient" } }, { resource: { resourceType: "ImagingStudy" } }],
      });
      expect(JSON.stringify(plan)).not.toContain("Device/");
      expect(JSON.stringify(plan)).toContain("ACME Scan 9");
    }
  });

  test("where nothing may be written, what is there is referred to and not updated, what is absent stays logical", () => {
    const wanted = study({ more: { ...scanner("S-6", "v2"), ...order("A6") } }, options("Device", "ServiceRequest"));
    const identity = studyIdentity("pacs", wanted.study);
    const nothing = { identity, own: [], sameUid: [], endpoints: [] };
    const [device, request] = ["Device", "ServiceRequest"].map((type) =>
      wanted.supporting.find(({ resource }) => resource.resourceType === type),
    );
    const there = { ...device?.resource, version: [{ value: "v1" }] } as unknown as Found;
    const supporting = new Map<string, FoundSupportingResource>([
      [String(device?.resource.id), { kind: "found", resource: there }],
      [String(request?.resource.id), { kind: "absent" }],
    ]);
    const plan = planStudy(nothing, { kind: "absent" }, wanted, { ...CREATE, supportingPolicy: "refer" }, supporting);
    expect(plan).toMatchObject({
      writes: [{ resource: { resourceType: "Patient" } }, { resource: { resourceType: "ImagingStudy" } }],
    });
    expect(JSON.stringify(plan)).toContain(`"reference":"Device/${device?.resource.id}"`);
    expect(JSON.stringify(plan)).not.toContain('"reference":"ServiceRequest/');
  });

  test("without an upserted type nothing more than the Patient is looked up", () => {
    expect(study({ more: { ...scanner("S-5"), ...order("A5") } }).supporting).toEqual([]);
  });
});
