/** The neutral model as FHIR R4 resources (hl7.org/fhir/R4/imagingstudy.html): shape only, in the order of the elements on the page. */
import type {
  CodeableConcept,
  Coding,
  Endpoint,
  ImagingStudySeries,
  ImagingStudySeriesInstance,
  ImagingStudySeriesPerformer,
} from "fhir/r4";
import { absentCoding } from "./absent.ts";
import { modalityCoding, studyModalities } from "./modalities.ts";
import type { EndpointModel, PerformerModel, SeriesModel, StudyModel } from "./model.ts";
import { ownNote } from "./own-note.ts";
import { present } from "./present.ts";
import type { StudyOfInstances } from "./shapes.ts";

export function studyR4(model: StudyModel): StudyOfInstances<"R4"> {
  return present({
    resourceType: "ImagingStudy" as const,
    id: model.id,
    meta: model.meta,
    extension: [...model.extension],
    identifier: [...model.identifier, ...model.accessions],
    status: model.status,
    modality: studyModalities(model.modalities).map(modalityCoding),
    encounter: model.encounter,
    started: model.started,
    basedOn: [...model.basedOn],
    referrer: model.referrer,
    interpreter: [...model.interpreter],
    endpoint: [...model.endpoint],
    numberOfSeries: model.numberOfSeries,
    numberOfInstances: model.numberOfInstances,
    procedureReference: model.partOf[0],
    procedureCode: [...model.procedure],
    location: model.location,
    reasonCode: [...model.reason],
    note: model.note.map(ownNote),
    description: model.description,
    series: model.series.map(seriesR4),
  });
}

function seriesR4(model: SeriesModel): ImagingStudySeries {
  return present({
    extension: [...model.extension],
    uid: model.uid,
    number: model.number,
    modality: model.modality === undefined ? absentCoding() : modalityCoding(model.modality),
    description: model.description,
    numberOfInstances: model.numberOfInstances,
    endpoint: [...model.endpoint],
    bodySite: model.bodySite && codingOf(model.bodySite),
    laterality: model.laterality,
    specimen: [...model.specimen],
    started: model.started,
    performer: model.performer.map(performerR4),
    instance: model.instance as ImagingStudySeriesInstance[],
  });
}

function performerR4({ function: role, actor }: PerformerModel): ImagingStudySeriesPerformer {
  return present({ function: role, actor });
}

/** R4 has one Coding where the model has a concept: the first one, else the text as its display. */
function codingOf(concept: CodeableConcept): Coding | undefined {
  const [first] = concept.coding ?? [];
  if (first !== undefined) return first;
  return concept.text === undefined ? undefined : { display: concept.text };
}

export function endpointR4(model: EndpointModel): Endpoint {
  return present({
    resourceType: "Endpoint" as const,
    id: model.id,
    meta: model.meta,
    extension: [...model.extension],
    identifier: [...model.identifier],
    status: model.status,
    connectionType: model.connectionType,
    name: model.name,
    payloadType: [...model.payloadType],
    payloadMimeType: [...model.payloadMimeType],
    address: model.address,
  });
}
