/** What FHIR must say of studies whose content is known from elsewhere: the generator's own account, or a list made with another DICOM library. */
import { createHash } from "node:crypto";
import { expect } from "@jest/globals";
import type { CodeableConcept, FhirResource, ImagingStudy, ImagingStudySeries, Patient } from "fhir/r4";
import { hospitalDayEvening } from "../../emulators/samples/index.ts";
import { validateFhir } from "../support/fhir-validation.ts";
import type { Stack } from "./stack.ts";

export type TrueStudy = {
  uid: string;
  /** Empty: nobody is named. More than one: one of them. */
  patientIds: readonly string[];
  /** Identifier system of the patient ID, where the truth knows it. */
  system?: string;
  modalities: readonly string[];
  /** Instances by series: how many, or which. */
  series: Readonly<Record<string, number | readonly string[]>>;
};

export function dayTruth(seed: string): TrueStudy[] {
  return hospitalDayEvening({ seed }).map(({ studyInstanceUid, patientId, issuer, modalities, series }) => ({
    uid: studyInstanceUid,
    patientIds: patientId === undefined ? [] : [patientId],
    system: `urn:test:${seed}:${issuer === "CLINIC-B" ? "b" : "a"}`,
    modalities,
    series: Object.fromEntries(series.map(({ seriesInstanceUid, instances }) => [seriesInstanceUid, instances])),
  }));
}

export const uidOf = ({ identifier = [] }: ImagingStudy): string | undefined =>
  identifier.find(({ system }) => system === "urn:dicom:uid")?.value?.replace("urn:oid:", "");

/** Compares all studies of a stack with the truth: exactly one ImagingStudy each, with its series, instances, counts, modalities and subject. */
export async function expectTruth({ fhir }: Stack, truth: readonly TrueStudy[]): Promise<void> {
  const studies = await fhir.studies();
  const patients = new Map((await fhir.patients()).map((patient) => [`Patient/${patient.id}`, patient]));
  expect(studies.map(uidOf).sort()).toEqual(truth.map(({ uid }) => uid).sort());
  const byUid = new Map(studies.map((study) => [uidOf(study), study]));
  for (const wanted of truth) {
    const study = byUid.get(wanted.uid);
    if (study === undefined) throw new Error("compared above");
    expect(seriesOf(study, wanted)).toEqual(wanted.series);
    expectCounts(study);
    expect([...new Set(study.series?.map(modalityOf))].sort()).toEqual(expect.arrayContaining([...wanted.modalities]));
    expectSubject(study, wanted, patients);
  }
}

function seriesOf({ series = [] }: ImagingStudy, wanted: TrueStudy): TrueStudy["series"] {
  return Object.fromEntries(
    series.map(({ uid, instance = [] }) => {
      const uids = instance.map((one) => one.uid).sort();
      return [uid, typeof wanted.series[uid] === "number" ? uids.length : uids];
    }),
  );
}

/** A Coding in R4, a CodeableConcept in R5. */
function modalityOf({ modality }: ImagingStudySeries): string | undefined {
  return "coding" in modality ? (modality as CodeableConcept).coding?.[0]?.code : modality.code;
}

function expectCounts({ numberOfSeries, numberOfInstances, series = [] }: ImagingStudy): void {
  expect(numberOfSeries).toBe(series.length);
  expect(series.map((one) => one.numberOfInstances)).toEqual(series.map(({ instance = [] }) => instance.length));
  expect(numberOfInstances).toBe(series.reduce((sum, { instance = [] }) => sum + instance.length, 0));
}

function expectSubject({ subject }: ImagingStudy, wanted: TrueStudy, patients: ReadonlyMap<string, Patient>): void {
  if (wanted.patientIds.length === 0) {
    expect(subject.reference).toBeUndefined();
    return;
  }
  const patient = patients.get(subject.reference ?? "");
  const found = patient?.identifier?.find(({ value = "" }) => wanted.patientIds.includes(value));
  expect(found).toBeDefined();
  if (wanted.system !== undefined) expect(found?.system).toBe(wanted.system);
}

/** Every resource of a stack, valid by both validators. They know R4 only: what an R5 server holds is checked by test/hapi. */
export async function expectValid(stack: Stack): Promise<void> {
  const metadata = await fetch(`${stack.fhir.url}/metadata`, { headers: { connection: "close" } });
  if (((await metadata.json()) as { fhirVersion: string }).fhirVersion.startsWith("5.")) return;
  const faults: string[] = [];
  for (const resource of await allOf(stack)) {
    faults.push(...(await validateFhir(resource)).map((fault) => `${resource.resourceType}/${resource.id} ${fault}`));
  }
  expect(faults).toEqual([]);
}

/** A digest of each resource's bytes, without what the server says of it (meta but its tags). */
export async function bytesOf(stack: Stack): Promise<Record<string, string>> {
  const digests = (await allOf(stack)).map(({ meta, ...rest }) => {
    const bytes = JSON.stringify({ ...rest, tag: meta?.tag });
    return [`${rest.resourceType}/${rest.id}`, createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return Object.fromEntries(digests);
}

async function allOf({ fhir }: Stack): Promise<FhirResource[]> {
  return [...(await fhir.studies()), ...(await fhir.patients()), ...(await fhir.endpoints())];
}
