/** The resources of any number of instances as one Bundle, without any server: what the `map` command prints. */
import type { Bundle, BundleEntry, Endpoint, FhirResource, ImagingStudy, Patient, Reference } from "fhir/r4";
import { DEFAULT_PARTITION, type StudyId, studyId } from "../study.ts";
import { buildStudy, type StudyResources } from "./build-study.ts";
import { isRecord, text } from "./dataset.ts";
import { endpointResource } from "./endpoint.ts";
import {
  type AttributePool,
  createAttributePool,
  type InstanceAttributes,
  instanceAttributes,
  type RejectedInstance,
} from "./instance-attributes.ts";
import type { MappingOptions } from "./options.ts";
import { unidentifiedSubject } from "./subject.ts";
import { tagOf } from "./tags.ts";
import { compareText } from "./text.ts";

export type MappedDatasets = { bundle: Bundle; studies: StudyResources[]; rejected: RejectedInstance[] };

/**
 * Maps DICOM JSON datasets of any studies, in any order.
 * @param endpointAddress the DICOMweb base URL to write into the Endpoint
 */
export function mapDatasets(
  datasets: Iterable<unknown>,
  options: MappingOptions,
  endpointAddress: string,
  partition = DEFAULT_PARTITION,
): MappedDatasets {
  const groups = new Map<StudyId, { pool: AttributePool; instances: InstanceAttributes[] }>();
  const rejected: RejectedInstance[] = [];
  for (const dataset of datasets) {
    const studyUid = isRecord(dataset) ? text(dataset, "StudyInstanceUID", () => {}) : undefined;
    const study = studyUid === undefined ? undefined : studyId(partition, studyUid);
    const group = (study && groups.get(study)) ?? { pool: createAttributePool(), instances: [] };
    const attributes = instanceAttributes(dataset, options, group.pool);
    if (attributes.kind === "rejected") rejected.push(attributes);
    else if (study === undefined)
      rejected.push({
        kind: "rejected",
        sop: attributes.sop,
        code: "INSTANCE_INVALID",
        tag: tagOf("StudyInstanceUID"),
      });
    else {
      group.instances.push(attributes);
      groups.set(study, group);
    }
  }
  const studies = [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .map(([study, { instances }]) => buildStudy(study, instances, options));
  const endpoint = endpointResource(options.sourceId, partition, endpointAddress);
  return { bundle: collectionBundle(studies, [endpoint]), studies, rejected };
}

/**
 * A `collection` Bundle: endpoints, patients, studies. Entries are named `urn:uuid:` + the resource's id and refer to each other by these names.
 * A patient of several studies appears once, as the latest of them names it; a study without a usable patient has a subject that says so.
 */
export function collectionBundle(studies: readonly StudyResources[], endpoints: readonly Endpoint[]): Bundle {
  const latest = new Map<string, { asOf: string; patient: Patient }>();
  for (const { subject } of studies) {
    if (subject.kind !== "patient") continue;
    const known = latest.get(subject.patient.id ?? "");
    if (known === undefined || compareText(known.asOf, subject.asOf) < 0) latest.set(subject.patient.id ?? "", subject);
  }
  const patients = [...latest.values()]
    .map(({ patient }) => patient)
    .sort((a, b) => compareText(a.id ?? "", b.id ?? ""));
  const resources: FhirResource[] = [...endpoints, ...patients, ...studies.map(standalone)];
  return {
    resourceType: "Bundle",
    type: "collection",
    ...(resources.length === 0 ? {} : { entry: resources.map(entry) }),
  };
}

function entry(resource: FhirResource): BundleEntry {
  return { fullUrl: `urn:uuid:${resource.id}`, resource };
}

function standalone({ imagingStudy, subject }: StudyResources): ImagingStudy {
  const { resourceType, id, meta, identifier, status, modality, endpoint, ...others } = imagingStudy;
  return {
    resourceType,
    ...(id === undefined ? {} : { id }),
    ...(meta === undefined ? {} : { meta }),
    ...(identifier === undefined ? {} : { identifier }),
    status,
    ...(modality === undefined ? {} : { modality }),
    subject: subjectReference(subject),
    ...(endpoint === undefined ? {} : { endpoint: endpoint.map(insideBundle) }),
    ...others,
  };
}

function insideBundle(reference: Reference): Reference {
  return { ...reference, reference: `urn:uuid:${reference.reference?.replace(/^Endpoint\//, "")}` };
}

function subjectReference(subject: StudyResources["subject"]): Reference {
  if (subject.kind !== "patient") return unidentifiedSubject(subject.display);
  const { identifier, patient, display } = subject;
  return {
    reference: `urn:uuid:${patient.id}`,
    type: "Patient",
    identifier,
    ...(display === undefined ? {} : { display }),
  };
}
