/** A FHIR server that DICOMcast has filled: what it made is found again and kept up to date, not made a second time. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { FhirResource, ImagingStudy } from "fhir/r4";
import { el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { FHIR_E2E_URL, type Stack, startStack } from "./stack.ts";

let stack: Stack | undefined;
afterEach(async () => {
  await stack?.close();
  stack = undefined;
});

// What studycast has not made carries no tag of it: a real server's other resources could not be told from these.
const emulated = FHIR_E2E_URL === undefined ? test : test.skip;

const uidOf = (seed: string, what: string) => seededUid(seed, `cast ${what}`);
const patientSystem = (seed: string) => `urn:test:${seed}:default`;

function store({ dicom, seed }: Stack, number: number): void {
  const file = writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", uidOf(seed, `image ${number}`)),
    "00080020": el("DA", "20260302"),
    "00080060": el("CS", "CT"),
    "00081030": el("LO", "Chest"),
    "00100010": el("PN", personName("Some^Body")),
    "00100020": el("LO", "P1"),
    "0020000D": el("UI", uidOf(seed, "study")),
    "0020000E": el("UI", uidOf(seed, "series")),
    "00200013": el("IS", number),
  });
  expect(dicom.store(file).stored).toBe(true);
}

/** Patient, Endpoint and ImagingStudy of the first image, with the elements that DICOMcast writes. */
function madeByDicomcast(seed: string): FhirResource[] {
  const source = "https://dicom.example/v2/";
  return [
    {
      resourceType: "Patient",
      id: "cast-patient",
      meta: { source },
      identifier: [{ use: "usual", system: patientSystem(seed), value: "P1" }],
      name: [{ use: "usual", family: "Body", given: ["Some"] }],
    },
    {
      resourceType: "Endpoint",
      id: "cast-endpoint",
      status: "active",
      name: "DICOM WADO-RS endpoint",
      connectionType: {
        system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
        code: "dicom-wado-rs",
      },
      payloadType: [{ text: "DICOM WADO-RS" }],
      payloadMimeType: ["application/dicom"],
      address: source,
    },
    {
      resourceType: "ImagingStudy",
      id: "cast-study",
      meta: { source },
      identifier: [{ system: "urn:dicom:uid", value: `urn:oid:${uidOf(seed, "study")}` }],
      status: "available",
      subject: { reference: "Patient/cast-patient" },
      modality: [{ system: "DCM", code: "CT" }],
      started: "2026-03-02",
      endpoint: [{ reference: "Endpoint/cast-endpoint" }],
      note: [{ text: "Chest" }],
      series: [
        {
          uid: uidOf(seed, "series"),
          modality: { system: "DCM", code: "CT" },
          instance: [{ uid: uidOf(seed, "image 1"), number: 1, sopClass: { code: "1.2.840.10008.5.1.4.1.1.2" } }],
        },
      ],
    },
  ];
}

describe("must not happen", () => {
  emulated(
    "those who come from DICOMcast get everything twice",
    async () => {
      const own = await startStack();
      stack = own;
      const { fhir, dicom, seed } = own;
      const made = madeByDicomcast(seed);
      for (const resource of made) await fhir.put(resource);
      const [patient] = await fhir.patients();
      for (const number of [1, 2]) store(own, number);
      const worker = own.worker();
      await own.settled();

      expect(await fhir.patients()).toEqual([patient]);
      const [study, ...more] = await fhir.studies();
      expect(more).toEqual([]);
      expect(study).toMatchObject({
        id: "cast-study",
        subject: { reference: "Patient/cast-patient" },
        description: "Chest",
        numberOfInstances: 2,
        note: [{ text: "Chest" }],
      });
      expect(study?.series).toHaveLength(1);
      expect(study?.series?.[0]?.instance?.map(({ uid }) => uid)).toEqual([
        uidOf(seed, "image 1"),
        uidOf(seed, "image 2"),
      ]);
      expect(study?.endpoint).toHaveLength(2);
      expect(study?.endpoint).toContainEqual({ reference: "Endpoint/cast-endpoint" });

      // Read again with nothing remembered: found again, not one write.
      await worker.stop();
      const versions = await fhir.versions();
      await own.redis.redis.flushall();
      own.worker();
      await own.settled();
      expect(await fhir.versions()).toBe(versions);

      // What DICOMcast made was not made by studycast: it says that the images are gone, and stays.
      expect((await fetch(`${dicom.url}/v2/studies/${uidOf(seed, "study")}`, { method: "DELETE" })).status).toBe(204);
      await own.settled();
      const left = fhir.emulator?.resources("ImagingStudy") as unknown as ImagingStudy[];
      expect(left.map(({ id, status }) => [id, status])).toEqual([["cast-study", "unknown"]]);
      expect((await own.state.counts()).failed).toBe(0);
    },
    120_000,
  );
});
