/** The mapping of real files, read back from the DICOM emulator as the worker would. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ImagingStudy } from "fhir/r4";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import {
  INCLUDES,
  type MappedDatasets,
  type MappingOptions,
  mapDatasets,
  PROFILES,
  rewriteReferences,
  type StudyResources,
  SUPPORTING_TYPES,
  unidentifiedSubject,
  wantedIncludes,
} from "../../src/mapping/index.ts";
import { parseStudyId } from "../../src/study.ts";
import { validateFhirR5 } from "../support/fhir-r5-validation.ts";
import { validateFhir } from "../support/fhir-validation.ts";
import { OPTIONS } from "./datasets.ts";

const EVERYTHING: MappingOptions = {
  ...OPTIONS,
  timeZone: "Europe/Berlin",
  include: wantedIncludes(Object.keys({ ...INCLUDES, ...PROFILES })),
  retrieveLocationUid: "1.2.826.94",
  upsert: new Set(SUPPORTING_TYPES),
  accessionSystem: "urn:oid:1.2.826.98",
  studyIdSystem: "urn:oid:1.2.826.97",
  procedureStepIdSystem: "urn:oid:1.2.826.96",
  locationSystem: "urn:oid:1.2.826.95",
};

const root = join(import.meta.dirname, "../../../shared");
const present = existsSync(join(root, "dicom")) && existsSync(join(root, "examples/dicom-studies.json"));

type TrueStudy = {
  patientIds: string[];
  patientNames: string[];
  modalities: string[];
  series: Record<string, string[]>;
};

function written({ imagingStudy, subject }: StudyResources<"R4">): ImagingStudy {
  const reference =
    subject.kind === "patient" ? { reference: `Patient/${subject.patient.id}` } : unidentifiedSubject(subject.display);
  return { ...imagingStudy, subject: reference };
}

(present ? describe : describe.skip)("real studies (skipped where ../shared/dicom is absent)", () => {
  const truth = present
    ? (JSON.parse(readFileSync(join(root, "examples/dicom-studies.json"), "utf8")) as {
        stored: number;
        studies: number;
        byStudy: Record<string, TrueStudy>;
      })
    : { stored: 0, studies: 0, byStudy: {} };
  let emulator: DicomEmulator;
  const datasets: unknown[] = [];
  let mapped: MappedDatasets<"R4">;

  beforeAll(async () => {
    emulator = await startDicomEmulator({ load: join(root, "dicom") });
    for (const uid of Object.keys(truth.byStudy)) {
      const answer = await fetch(`${emulator.url}/v2/studies/${uid}/metadata`, {
        headers: { accept: "application/dicom+json" },
      });
      datasets.push(...((await answer.json()) as unknown[]));
    }
    mapped = mapDatasets(datasets, { ...OPTIONS, timeZone: "Europe/Berlin" }, "http://dicom.example/v2");
  });
  afterAll(() => emulator?.close());

  test("every study is there with its series and instances, none rejected", () => {
    expect(mapped.rejected).toEqual([]);
    const found = Object.fromEntries(
      mapped.studies.map(({ study, imagingStudy }) => [
        parseStudyId(study).studyInstanceUid,
        Object.fromEntries(
          (imagingStudy.series ?? []).map((one) => [one.uid, one.instance?.map(({ uid }) => uid).sort()]),
        ),
      ]),
    );
    const expected = Object.entries(truth.byStudy).map(([uid, { series }]) => [
      uid,
      Object.fromEntries(Object.entries(series).map(([seriesUid, sops]) => [seriesUid, [...sops].sort()])),
    ]);
    expect(found).toEqual(Object.fromEntries(expected));
    expect(mapped.studies.map(({ imagingStudy }) => imagingStudy.numberOfInstances ?? 0).reduce((a, b) => a + b)).toBe(
      truth.stored,
    );
  });

  test("every study is of the patient that its files name", () => {
    for (const { study, subject } of mapped.studies) {
      const ids = truth.byStudy[parseStudyId(study).studyInstanceUid]?.patientIds ?? [];
      if (ids.length === 0) expect(subject.kind).toBe("unidentified");
      else expect(ids).toContain(subject.kind === "patient" ? subject.identifier.value : undefined);
    }
  });

  test("every resource is valid by both validators", async () => {
    const resources = [
      ...mapped.studies.map(written),
      ...(mapped.bundle.entry ?? []).flatMap(({ resource }) =>
        resource && resource.resourceType !== "ImagingStudy" ? [resource] : [],
      ),
    ];
    const faults: string[] = [];
    for (const resource of resources) faults.push(...(await validateFhir(resource)));
    expect(faults).toEqual([]);
  });

  test.each(["R4", "R5"] as const)("with everything that can be asked for, %s is valid", async (fhirVersion) => {
    const { bundle } = mapDatasets(datasets, { ...EVERYTHING, fhirVersion }, "http://dicom.example/v2");
    const types = new Map(bundle.entry?.map(({ fullUrl, resource }) => [fullUrl ?? "", resource?.resourceType]));
    const faults: string[] = [];
    for (const { resource } of bundle.entry ?? []) {
      // References by id instead of by fullUrl, because the validators know only these.
      const sent = rewriteReferences(resource ?? {}, (reference) =>
        types.has(reference) ? `${types.get(reference)}/${reference.slice("urn:uuid:".length)}` : reference,
      );
      faults.push(...(fhirVersion === "R5" ? validateFhirR5(sent) : await validateFhir(sent)));
    }
    expect(faults).toEqual([]);
    expect(types.size).toBeGreaterThan(150);
  });
});
