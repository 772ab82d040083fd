/** DICOMcast made Observations of dose reports, and lost or doubled them. studycast makes none; those that others made of a study are never touched. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Observation } from "fhir/r4";
import { type Dataset, el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { FHIR_E2E_URL, type Stack, startStack } from "./stack.ts";

let stack: Stack | undefined;
afterEach(async () => {
  await stack?.close();
  stack = undefined;
});

const DOSE_REPORT = "1.2.840.10008.5.1.4.1.1.88.67";
const NAMES = ["dose-1", "dose-2"] as const;
const idOf = ({ seed }: Stack, name: string) => `${seed}-${name}`;

function store({ dicom, seed }: Stack, name: string, sopClass: string, modality: string, more: Dataset = {}): void {
  const file = writePart10({
    "00080016": el("UI", sopClass),
    "00080018": el("UI", seededUid(seed, name)),
    "00080060": el("CS", modality),
    "00100010": el("PN", personName("Some^Body")),
    "00100020": el("LO", `${seed}-p`),
    "0020000D": el("UI", seededUid(seed, "dose study")),
    "0020000E": el("UI", seededUid(seed, `series of ${modality}`)),
    ...more,
  });
  expect(dicom.store(file).stored).toBe(true);
}

/** Two dose reports with a number each, an image, and the Observations that another system made of the reports. */
async function studyWithObservations(): Promise<Stack> {
  const own = await startStack();
  stack = own;
  store(own, "image", "1.2.840.10008.5.1.4.1.1.2", "CT");
  for (const name of NAMES)
    store(own, name, DOSE_REPORT, "SR", {
      "0040A730": el("SQ", {
        "0040A040": el("CS", "NUM"),
        "0040A043": el("SQ", {
          "00080100": el("SH", "113813"),
          "00080102": el("SH", "DCM"),
          "00080104": el("LO", "CT Dose Length Product Total"),
        }),
        "0040A300": el("SQ", { "0040A30A": el("DS", 445.2) }),
      }),
    });
  own.worker();
  await own.settled();
  const [study] = await own.fhir.studies();
  if (study === undefined) throw new Error("no study");
  for (const name of NAMES) {
    const observation: Observation = {
      resourceType: "Observation",
      id: idOf(own, name),
      // As DICOMcast did: whatever it is of, it has the identifier of the study only.
      identifier: [{ system: "urn:dicom:uid", value: `urn:oid:${seededUid(own.seed, "dose study")}` }],
      status: "final",
      code: { coding: [{ system: "http://dicom.nema.org/resources/ontology/DCM", code: "113813" }] },
      subject: study.subject,
      derivedFrom: [{ reference: `ImagingStudy/${study.id}` }],
    };
    await own.fhir.put(observation);
  }
  return own;
}

/** Id and version of each Observation of the study, by search, so that one more would be seen. */
async function observations({ fhir, seed }: Stack): Promise<string[]> {
  const identifier = encodeURIComponent(`urn:dicom:uid|urn:oid:${seededUid(seed, "dose study")}`);
  const answer = await fetch(`${fhir.url}/Observation?identifier=${identifier}`, {
    headers: { "cache-control": "no-cache", connection: "close" },
  });
  const { entry = [] } = (await answer.json()) as { entry?: { resource: Observation }[] };
  return entry.map(({ resource }) => `${resource.id} ${resource.meta?.versionId}`).sort();
}

describe("must not happen", () => {
  test("one deletion removes all dose Observations of a study", async () => {
    const own = await studyWithObservations();
    const before = await observations(own);
    expect(before).toHaveLength(2);
    const uid = (what: string) => seededUid(own.seed, what);
    const path = `studies/${uid("dose study")}/series/${uid("series of SR")}/instances/${uid("dose-1")}`;
    expect((await fetch(`${own.dicom.url}/v2/${path}`, { method: "DELETE" })).status).toBe(204);
    await own.settled();
    expect((await own.fhir.studies()).map(({ numberOfInstances }) => numberOfInstances)).toEqual([2]);
    expect(await observations(own)).toEqual(before);
  }, 120_000);

  test("a replay posts Observations again", async () => {
    const own = await studyWithObservations();
    const before = await observations(own);
    const versions = await own.fhir.versions();
    await own.redis.redis.flushall();
    await own.run("resync", "--all");
    await own.settled();
    expect(await observations(own)).toEqual(before);
    expect(await own.fhir.versions()).toBe(versions);
    if (FHIR_E2E_URL === undefined) expect(own.fhir.emulator?.resources("Observation")).toHaveLength(2);
  }, 120_000);
});
