/** The resources we write, by FHIR version. A Patient has one shape in both: what we write of it has not changed. */
import type * as r4 from "fhir/r4";
import type * as r5 from "fhir/r5";
import type { FhirVersion } from "./rows/row.ts";

type Shapes = {
  R4: { ImagingStudy: r4.ImagingStudy; Endpoint: r4.Endpoint; Supporting: SupportingIn<"R4">; Bundle: r4.Bundle };
  R5: { ImagingStudy: r5.ImagingStudy; Endpoint: r5.Endpoint; Supporting: SupportingIn<"R5">; Bundle: r5.Bundle };
};
type SupportingIn<V extends FhirVersion> = V extends "R4"
  ? r4.Device | r4.Practitioner | r4.Organization | r4.Location | r4.ServiceRequest
  : r5.Device | r5.Practitioner | r5.Organization | r5.Location | r5.ServiceRequest;

/** Without `subject`: who it refers to depends on what the FHIR server holds. */
export type StudyOfInstances<V extends FhirVersion = FhirVersion> = V extends FhirVersion
  ? Omit<Shapes[V]["ImagingStudy"], "subject">
  : never;
export type EndpointOf<V extends FhirVersion = FhirVersion> = Shapes[V]["Endpoint"];
/** Without `subject`, which a ServiceRequest gets with the study's. */
export type SupportingOf<V extends FhirVersion = FhirVersion> = V extends FhirVersion
  ? WithoutSubject<Shapes[V]["Supporting"]>
  : never;
type WithoutSubject<T> = T extends { resourceType: "ServiceRequest" } ? Omit<T, "subject"> : T;
/** One supporting resource as it is wanted. */
export type SupportingResource<V extends FhirVersion = FhirVersion> = {
  resource: SupportingOf<V>;
  /** Identifiers that find it when others have made it. */
  keys: readonly { system: string; value: string }[];
  /** Date and UID of the study its values are from, as of the subject. */
  asOf: string;
};
export type BundleOf<V extends FhirVersion = FhirVersion> = Shapes[V]["Bundle"];
