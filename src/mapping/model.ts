/**
 * A study's resources before a FHIR version is chosen: lists everywhere, CodeableConcepts everywhere, every element that R4 or R5 can hold. The two
 * writers (write-r4.ts, write-r5.ts) turn it into resources and decide nothing but shape. Datatypes that R4 and R5 share are taken from fhir/r4.
 */
import type { CodeableConcept, Coding, Extension, Identifier, Meta, Reference } from "fhir/r4";

export type StudyModel = {
  id: string;
  meta: Meta;
  extension: readonly Extension[];
  /** Study UID, own identifier, Study ID; without accession numbers. */
  identifier: readonly Identifier[];
  /** Typed ACSN: R4 lists them as identifiers too, R5 in `basedOn` only. */
  accessions: readonly Identifier[];
  status: "registered" | "available";
  /** Defined terms of (0008,0060) of all series, distinct, sorted; R4 keeps those that acquire (CID 29), R5 all (CID 33). */
  modalities: readonly string[];
  encounter: Reference | undefined;
  started: string | undefined;
  /** One logical ServiceRequest reference per order: accession, placer, filler number. */
  basedOn: readonly Reference[];
  /** The performed procedure: R4 `procedureReference` (one), R5 `partOf`. */
  partOf: readonly Reference[];
  referrer: Reference | undefined;
  /** R4 only. */
  interpreter: readonly Reference[];
  endpoint: readonly Reference[];
  numberOfSeries: number;
  numberOfInstances: number;
  /** R4 `procedureCode`, R5 `procedure.concept`. */
  procedure: readonly CodeableConcept[];
  location: Reference | undefined;
  /** R4 `reasonCode`, R5 `reason.concept`. */
  reason: readonly CodeableConcept[];
  note: readonly string[];
  description: string | undefined;
  series: readonly SeriesModel[];
};

export type SeriesModel = {
  extension: readonly Extension[];
  uid: string;
  number: number | undefined;
  /** Defined term of (0008,0060); undefined: the writers say data-absent-reason. */
  modality: string | undefined;
  description: string | undefined;
  numberOfInstances: number;
  endpoint: readonly Reference[];
  /** R4 takes the first coding (else the text as display), R5 `bodySite.concept`. */
  bodySite: CodeableConcept | undefined;
  laterality: Coding | undefined;
  specimen: readonly Reference[];
  started: string | undefined;
  performer: readonly PerformerModel[];
  instance: readonly InstanceModel[];
};

export type PerformerModel = { function: CodeableConcept | undefined; actor: Reference };

/** The shape R4 and R5 share, so that the instances of a large study are made once. Members without a value are absent. */
export type InstanceModel = {
  extension?: Extension[];
  uid: string;
  sopClass: Coding;
  number?: number;
  title?: string;
};

/** One piece of equipment (PS3.3 C.7.5.1): what a Device is made of. `key` decides whether two instances were made by the same one. */
export type DeviceModel = {
  id: string;
  identifier: readonly Identifier[];
  udi: string | undefined;
  manufacturer: string | undefined;
  modelName: string | undefined;
  /** Station Name (0008,1010). */
  stationName: string | undefined;
  serialNumber: string | undefined;
  softwareVersions: readonly string[];
  /** Defined terms of (0008,0060), as codings of DCM. */
  type: CodeableConcept | undefined;
  owner: Reference | undefined;
};

/** What a study refers to besides its Patient and its Endpoint, when it is written as a resource. */
export type SupportingModel =
  | { type: "Device"; device: DeviceModel }
  | {
      type: "Practitioner" | "Organization" | "Location" | "ServiceRequest";
      id: string;
      /** With system and value. */
      identifier: Identifier;
      display: string | undefined;
      /** Of an order: what was requested. */
      code?: CodeableConcept | undefined;
    };

export type EndpointModel = {
  id: string;
  meta: Meta;
  identifier: readonly Identifier[];
  status: "active";
  connectionType: Coding;
  payloadType: readonly CodeableConcept[];
  payloadMimeType: readonly string[];
  name: string | undefined;
  address: string;
  extension: readonly Extension[];
};
