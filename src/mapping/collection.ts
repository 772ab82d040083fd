/** The resources of any number of instances as one Bundle, without any server: what the `map` command prints. */
import type { Patient, Reference } from "fhir/r4";
import { DEFAULT_PARTITION } from "../study.ts";
import { buildStudy, type StudyResources } from "./build-study.ts";
import { endpointResources } from "./endpoint.ts";
import type { RejectedInstance } from "./instance-attributes.ts";
import type { MappingOptions } from "./options.ts";
import { present } from "./present.ts";
import { reduceDatasets } from "./reduce-datasets.ts";
import { rewriteReferences } from "./references.ts";
import type { FhirVersion } from "./rows/row.ts";
import type { BundleOf, EndpointOf } from "./shapes.ts";
import { otherSubject } from "./subject.ts";
import { compareText } from "./text.ts";

export type MappedDatasets<V extends FhirVersion = FhirVersion> = {
  bundle: BundleOf<V>;
  studies: StudyResources<V>[];
  rejected: RejectedInstance[];
};

/**
 * Maps DICOM JSON datasets of any studies, in any order.
 * @param endpointAddress the DICOMweb base URL to write into the Endpoints
 * @param adjust what the site does to each study's resources
 */
export function mapDatasets(
  datasets: Iterable<unknown>,
  options: MappingOptions & { fhirVersion?: "R4" },
  endpointAddress: string,
  partition?: string,
): MappedDatasets<"R4">;
export function mapDatasets(
  datasets: Iterable<unknown>,
  options: MappingOptions,
  endpointAddress: string,
  partition?: string,
  adjust?: (resources: StudyResources) => StudyResources,
): MappedDatasets;
export function mapDatasets(
  datasets: Iterable<unknown>,
  options: MappingOptions,
  endpointAddress: string,
  partition = DEFAULT_PARTITION,
  adjust: (resources: StudyResources) => StudyResources = (resources) => resources,
): MappedDatasets {
  const { groups, rejected } = reduceDatasets(datasets, options, partition);
  const studies = groups.map(({ study, instances }) => adjust(buildStudy(study, instances, options)));
  const endpoints = endpointResources(options, partition, endpointAddress);
  return { bundle: collectionBundle(studies, endpoints), studies, rejected };
}

/**
 * A `collection` Bundle: endpoints, patients, studies. Entries are named `urn:uuid:` + the resource's id and refer to each other by these names.
 * A patient of several studies appears once, as the latest of them names it; a study without a usable patient has a subject that says so.
 */
export function collectionBundle(studies: readonly StudyResources[], endpoints: readonly EndpointOf[]): BundleOf {
  const latest = new Map<string, { asOf: string; patient: Patient }>();
  for (const { subject } of studies) {
    if (subject.kind !== "patient") continue;
    const known = latest.get(subject.patient.id ?? "");
    if (known === undefined || compareText(known.asOf, subject.asOf) < 0) latest.set(subject.patient.id ?? "", subject);
  }
  const patients = [...latest.values()]
    .map(({ patient }) => patient)
    .sort((a, b) => compareText(a.id ?? "", b.id ?? ""));
  const resources: Json[] = [
    ...endpoints.map((endpoint) => ({ ...endpoint })),
    ...patients.map((patient) => ({ ...patient })),
    ...latestSupporting(studies),
    ...studies.map(standalone),
  ];
  const inside = new Map(resources.map(({ resourceType, id }) => [`${resourceType}/${id}`, `urn:uuid:${id}`]));
  const entry = resources.map((resource) => ({
    fullUrl: `urn:uuid:${resource["id"]}`,
    resource: rewriteReferences(resource, (reference) => inside.get(reference) ?? reference),
  }));
  const bundle: object = { resourceType: "Bundle", type: "collection", ...(entry.length === 0 ? {} : { entry }) };
  return bundle as BundleOf;
}

type Json = Record<string, unknown>;

/** Each supporting resource once, as the latest study has it; an order's subject is its study's. */
function latestSupporting(studies: readonly StudyResources[]): Json[] {
  const latest = new Map<string, { asOf: string; resource: Json }>();
  for (const { supporting, subject } of studies)
    for (const { resource, asOf } of supporting) {
      const id = String(resource.id);
      const known = latest.get(id);
      if (known !== undefined && compareText(known.asOf, asOf) >= 0) continue;
      const order = resource.resourceType === "ServiceRequest" ? { subject: subjectReference(subject) } : {};
      latest.set(id, { asOf, resource: { ...resource, ...order } });
    }
  return [...latest].sort(([a], [b]) => compareText(a, b)).map(([, { resource }]) => resource);
}

/** The study with its subject, which stands behind status and modality. */
export function standalone({ imagingStudy, subject }: StudyResources): Json {
  const { resourceType, id, meta, extension, identifier, status, modality, ...others }: Json = { ...imagingStudy };
  const before = present({ resourceType, id, meta, extension, identifier, status, modality });
  return { ...before, subject: subjectReference(subject), ...others };
}

function subjectReference(subject: StudyResources["subject"]): Reference {
  if (subject.kind !== "patient") return otherSubject(subject);
  const { identifier, patient, display } = subject;
  return {
    reference: `Patient/${patient.id}`,
    type: "Patient",
    identifier,
    ...(display === undefined ? {} : { display }),
  };
}
