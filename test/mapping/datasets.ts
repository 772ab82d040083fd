/** DICOM JSON datasets for the mapping's tests, and the shortest way from one to its resources. */
import type { ImagingStudySeries, Patient } from "fhir/r4";
import {
  buildStudy,
  createAttributePool,
  type InstanceAttributes,
  instanceAttributes,
  type MappingOptions,
  type StudyResources,
} from "../../src/mapping/index.ts";
import type { RejectedInstance } from "../../src/mapping/instance-attributes.ts";
import { studyId } from "../../src/study.ts";

export const STUDY = studyId("Microsoft.Default", "1.2.826.1.1");

export const OPTIONS: MappingOptions & { fhirVersion?: "R4" } = {
  sourceId: "test",
  patientIdSystem: "urn:oid:1.2.826.99",
  issuerSystems: { "HOSP A": "http://hospital-a.example/mrn" },
  accessionSystem: undefined,
  timeZone: undefined,
  instanceListLimit: 1000,
  splitGiven: false,
};

export type Json = { [tag: string]: unknown };

/** An element with its values, or as given when it is an object. */
export function element(vr: string, ...values: unknown[]): Json {
  return values.length === 0 ? { vr } : { vr, Value: values };
}

export function sequence(...items: Json[]): Json {
  return { vr: "SQ", Value: items };
}

/** One CT image; `overrides` replaces elements by tag, `undefined` takes them away. */
export function ctImage(number: number, overrides: Json = {}): Json {
  return {
    "00080008": element("CS", "ORIGINAL", "PRIMARY", "AXIAL"),
    "00080016": element("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": element("UI", `1.2.826.1.3.${number}`),
    "00080020": element("DA", "20240105"),
    "00080030": element("TM", "101112"),
    "00080060": element("CS", "CT"),
    "00100010": element("PN", { Alphabetic: "Doe^Jane" }),
    "00100020": element("LO", "4711"),
    "0020000D": element("UI", "1.2.826.1.1"),
    "0020000E": element("UI", "1.2.826.1.2"),
    "00200011": element("IS", 1),
    "00200013": element("IS", number),
    ...overrides,
  };
}

export function reduceAll(datasets: readonly unknown[], options: Partial<MappingOptions> = {}) {
  const pool = createAttributePool();
  const all = datasets.map((dataset) => instanceAttributes(dataset, { ...OPTIONS, ...options }, pool));
  return {
    instances: all.filter((one): one is InstanceAttributes => one.kind === "instance"),
    rejected: all.filter((one): one is RejectedInstance => one.kind === "rejected"),
  };
}

/** Options of the R4 mapping; the R5 mapping has tests of its own. */
type R4Options = Partial<MappingOptions> & { fhirVersion?: "R4" };

export function mapStudy(datasets: readonly unknown[], options: R4Options = {}): StudyResources<"R4"> {
  return buildStudy(STUDY, reduceAll(datasets, options).instances, { ...OPTIONS, ...options });
}

/** A study of one image. */
export function mapImage(overrides: Json, options: R4Options = {}): StudyResources<"R4"> {
  return mapStudy([ctImage(1, overrides)], options);
}

export function patientOf({ subject }: StudyResources): Patient | undefined {
  return subject.kind === "patient" ? subject.patient : undefined;
}

export function firstSeries({ imagingStudy }: StudyResources<"R4">): ImagingStudySeries | undefined {
  return imagingStudy.series?.[0];
}

/** `Keyword code`, sorted as the study lists them. */
export function issuesOf({ issues }: StudyResources): string[] {
  return issues.map(({ keyword, code }) => `${keyword} ${code}`);
}
