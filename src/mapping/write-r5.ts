/**
 * The neutral model as FHIR R5 resources (hl7.org/fhir/R5/imagingstudy.html): shape only. What differs from R4: concepts instead of codings, all
 * modalities instead of those that acquire, accession numbers in `basedOn` only, no interpreter, procedures and reasons as CodeableReference.
 */
import type { Patient } from "fhir/r4";
import type { CodeableConcept, Endpoint, ImagingStudySeries } from "fhir/r5";
import { absentCoding } from "./absent.ts";
import { modalityCoding } from "./modalities.ts";
import type { EndpointModel, SeriesModel, StudyModel } from "./model.ts";
import { ownNote } from "./own-note.ts";
import { present } from "./present.ts";
import type { StudyOfInstances } from "./shapes.ts";

/** Datatypes that R4 and R5 share are typed apart; what we write of them is the same in both. */
function same<T>(value: unknown): T {
  return value as T;
}

export function studyR5(model: StudyModel): StudyOfInstances<"R5"> {
  return present({
    resourceType: "ImagingStudy" as const,
    id: model.id,
    meta: same(model.meta),
    extension: same(model.extension),
    identifier: same(model.identifier),
    status: model.status,
    modality: model.modalities.map(modalityConcept),
    encounter: same(model.encounter),
    started: model.started,
    basedOn: same(model.basedOn),
    partOf: same(model.partOf),
    referrer: same(model.referrer),
    endpoint: same(model.endpoint),
    numberOfSeries: model.numberOfSeries,
    numberOfInstances: model.numberOfInstances,
    procedure: model.procedure.map((concept) => ({ concept: same<CodeableConcept>(concept) })),
    location: same(model.location),
    reason: model.reason.map((concept) => ({ concept: same<CodeableConcept>(concept) })),
    note: model.note.map(ownNote),
    description: model.description,
    series: model.series.map(seriesR5),
  });
}

function seriesR5(model: SeriesModel): ImagingStudySeries {
  return present({
    extension: same(model.extension),
    uid: model.uid,
    number: model.number,
    modality: model.modality === undefined ? same<CodeableConcept>(absentCoding()) : modalityConcept(model.modality),
    description: model.description,
    numberOfInstances: model.numberOfInstances,
    endpoint: same(model.endpoint),
    bodySite: model.bodySite && { concept: same<CodeableConcept>(model.bodySite) },
    laterality: model.laterality && { coding: [same(model.laterality)] },
    specimen: same(model.specimen),
    started: model.started,
    performer: model.performer.map(({ function: role, actor }) =>
      present({ function: same(role), actor: same(actor) }),
    ),
    instance: same(model.instance),
  });
}

/** A term that the DCM code system does not have is text. */
function modalityConcept(code: string): CodeableConcept {
  const coding = modalityCoding(code);
  return coding.system === undefined ? { text: code } : { coding: [same(coding)] };
}

/** R5 takes languages of BCP 47 only (required binding); one that is a text stays out. All else that we write of a Patient is as in R4. */
export function patientR5(patient: Patient): Patient {
  const { communication = [], ...rest } = patient;
  const coded = communication.filter(({ language }) => language.coding !== undefined);
  return coded.length === communication.length ? patient : present({ ...rest, communication: coded });
}

export function endpointR5(model: EndpointModel): Endpoint {
  return present({
    resourceType: "Endpoint" as const,
    id: model.id,
    meta: same(model.meta),
    extension: same(model.extension),
    identifier: same(model.identifier),
    status: model.status,
    connectionType: [{ coding: [same(model.connectionType)] }],
    name: model.name,
    payload: [present({ type: same(model.payloadType), mimeType: [...model.payloadMimeType] })],
    address: model.address,
  });
}
