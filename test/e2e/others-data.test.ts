/** Others' data is safe from the whole worker: additions of every kind, Patients of an EHR, other sources and partitions with the same UIDs. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { FhirResource, Patient } from "fhir/r4";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import {
  el,
  hospitalDay,
  hospitalDayEvening,
  personName,
  seededUid,
  writePart10,
} from "../../emulators/samples/index.ts";
import { ownershipOf } from "../../src/mapping/index.ts";
import { type Pipeline, startPipeline, until } from "../faults/pipeline.ts";
import { missingIn, withAdditions } from "./foreign-elements.ts";
import { FHIR_E2E_URL, LONG_TEST_MS, type Stack, startStack } from "./stack.ts";
import { dayTruth, expectTruth } from "./truth.ts";

let stack: Stack | undefined;
let pipeline: Pipeline | undefined;
let second: DicomEmulator | undefined;
afterEach(async () => {
  await stack?.close();
  await pipeline?.close();
  await second?.close();
  [stack, pipeline, second] = [undefined, undefined, undefined];
});

/** On emulators of their own, whatever FHIR_E2E_URL says. */
const emulated = FHIR_E2E_URL === undefined ? test : test.skip;
const nameOf = ({ resourceType, id }: FhirResource) => `${resourceType}/${id}`;
const OWNERSHIP = ownershipOf({ fhirVersion: "R4" });
const treeOf = ({ resourceType }: FhirResource) => OWNERSHIP[resourceType as keyof typeof OWNERSHIP];
const json = (resource: FhirResource): Record<string, unknown> => ({ ...resource });

test.each(
  FHIR_E2E_URL === undefined
    ? [
        [1, false],
        [2, true],
      ]
    : [[3, true]],
)(
  "random additions by others to every resource outlive changes, deletions of series and resyncs (seed %i, HAPI's rules: %p)",
  async (seed, hapi) => {
    stack = await startStack({ hapi, env: { PATIENT_POLICY: "sync" } });
    const { fhir, dicom } = stack;
    stack.worker();
    await stack.playDay();
    await stack.settled();
    const resources = async () => [...(await fhir.studies()), ...(await fhir.patients()), ...(await fhir.endpoints())];
    const additions = new Map(
      (await resources()).map((one, index) => [
        nameOf(one),
        withAdditions(json(one), treeOf(one), seed * 1000 + index),
      ]),
    );
    for (const { edited } of additions.values()) await fhir.put(edited as unknown as FhirResource);

    const evening = hospitalDayEvening({ seed: stack.seed });
    const headers = { "content-type": "application/json" };
    for (const [index, study] of evening.entries()) {
      const uid = study.studyInstanceUid;
      const series = study.series[0]?.seriesInstanceUid;
      if (index % 3 === 0 && study.series.length > 1)
        await fetch(`${dicom.url}/v2/studies/${uid}/series/${series}`, { method: "DELETE" });
      const changeDataset = { "00081030": el("LO", `changed ${index}`), "00100040": el("CS", "O") };
      const body = JSON.stringify({ studyInstanceUids: [uid], changeDataset });
      const asked = await fetch(`${dicom.url}/v2/studies/$bulkUpdate`, { method: "POST", headers, body });
      const { id } = (await asked.json()) as { id: string };
      while ((await fetch(`${dicom.url}/v2/operations/${id}`)).status === 202);
    }
    await stack.settled();
    await stack.run("resync", "--all");
    await stack.settled();

    const after = await resources();
    expect(after.map(nameOf).sort()).toEqual([...additions.keys()].sort());
    const missing = after.flatMap((one) => {
      const added = additions.get(nameOf(one));
      return added === undefined ? [] : missingIn(json(one), added).map((path) => `${nameOf(one)} ${path}`);
    });
    expect(missing).toEqual([]);
    const descriptions = (await fhir.studies()).map(({ description }) => description).sort();
    expect(descriptions).toEqual(evening.map((_study, index) => `changed ${index}`).sort());
    const versions = await fhir.versions();
    await stack.run("resync", "--all");
    await stack.settled();
    expect(await fhir.versions()).toBe(versions);
  },
  LONG_TEST_MS,
);

describe("an EHR's Patients", () => {
  /** One Patient of the EHR for every patient of the day, with other names than DICOM gives. */
  async function withEhr(policy: string): Promise<{ own: Stack; ehr: () => Promise<Patient[]> }> {
    const own = await startStack({ env: { PATIENT_POLICY: policy } });
    stack = own;
    const ids = new Map(
      dayTruth(own.seed).flatMap(({ patientIds: [id], system }) => (id === undefined ? [] : [[id, system]])),
    );
    const idOf = (value: string) => `ehr-${own.seed}-${[...ids.keys()].indexOf(value)}`;
    for (const [value, system] of ids)
      await own.fhir.put({
        resourceType: "Patient",
        id: idOf(value),
        identifier: [{ system: String(system), value: String(value) }],
        name: [{ text: "As the EHR has it" }],
      });
    return {
      own,
      ehr: () => Promise.all([...ids.keys()].map((value) => own.fhir.read<Patient>(`Patient/${idOf(value)}`))),
    };
  }

  test.each(["link", "create"])("are not touched under policy %s, and carry the studies", async (policy) => {
    const { own, ehr } = await withEhr(policy);
    const before = await ehr();
    expect(before.length).toBeGreaterThan(2);
    own.worker();
    await own.playDay();
    await own.settled();
    await own.run("resync", "--all");
    await own.settled();
    expect(await ehr()).toEqual(before);
    await expectTruth(own, dayTruth(own.seed));
  });

  test("policy link makes no Patient where none is; every study stands with its patient's identifier", async () => {
    const own = await startStack({ env: { PATIENT_POLICY: "link" } });
    stack = own;
    own.worker();
    await own.playDay();
    await own.settled();
    expect(await own.fhir.patients()).toEqual([]);
    const studies = await own.fhir.studies();
    expect(studies).toHaveLength(dayTruth(own.seed).length);
    const named = studies.map(({ subject }) => subject.identifier?.value).filter((value) => value !== undefined);
    expect(named.sort()).toEqual(
      dayTruth(own.seed)
        .flatMap(({ patientIds }) => patientIds)
        .sort(),
    );
    expect(hospitalDay({ seed: own.seed }).length).toBeGreaterThan(0);
  });
});

describe("equal UIDs", () => {
  const image = (description: string, number: number) =>
    writePart10({
      "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
      "00080018": el("UI", seededUid("equal", `image ${number}`)),
      "00080060": el("CS", "CT"),
      "00081030": el("LO", description),
      "00100010": el("PN", personName("Same^Person")),
      "00100020": el("LO", "P1"),
      "0020000D": el("UI", seededUid("equal", "study")),
      "0020000E": el("UI", seededUid("equal", "series")),
    });
  const shown = (all: Pipeline) =>
    all.fhir
      .resources("ImagingStudy")
      .map((one) => (one.resourceType === "ImagingStudy" ? `${one.description} ${one.numberOfInstances}` : ""))
      .sort();
  const remove = async ({ url }: DicomEmulator, path: string) => {
    const answer = await fetch(`${url}/v2/${path}studies/${seededUid("equal", "study")}`, { method: "DELETE" });
    expect(answer.status).toBe(204);
  };

  emulated("of two partitions are two studies; what is deleted in one stays in the other", async () => {
    pipeline = await startPipeline({ dicom: { partitions: true } });
    const all = pipeline;
    for (const partition of ["north", "south"]) all.dicom.store(image(partition, 1), { partition });
    all.dicom.store(image("south", 2), { partition: "south" });
    all.worker();
    await until("both", () => shown(all).join() === "north 1,south 2");
    expect(all.fhir.resources("Patient")).toHaveLength(1);
    expect(all.fhir.resources("Endpoint")).toHaveLength(2);
    await remove(all.dicom, "partitions/south/");
    await until("one", () => shown(all).join() === "north 1");
    await until("settled", async () => (await all.status()).studies.pending === 0);
    expect((await all.status()).studies.failed).toBe(0);
  });

  emulated("of two sources are two studies; what is deleted in one stays in the other", async () => {
    pipeline = await startPipeline();
    second = await startDicomEmulator();
    const [all, other] = [pipeline, second];
    all.dicom.store(image("first", 1));
    other.store(image("second", 1));
    other.store(image("second", 2));
    all.worker();
    all.worker({ SOURCE_ID: "second", DICOM_URL: other.url });
    await until("both", () => shown(all).join() === "first 1,second 2");
    expect(all.fhir.resources("Patient")).toHaveLength(1);
    expect(all.fhir.resources("Endpoint")).toHaveLength(2);
    await remove(all.dicom, "");
    await until("one", () => shown(all).join() === "second 2");
    await remove(other, "");
    await until("none", () => shown(all).length === 0);
  });
});
