/** Resources and entries that the battery sends, and what a server's reading means for it. */
import type { test } from "@jest/globals";
import type { Entry, Exchange, Reply } from "./exchange.ts";

/** How a server answers where HAPI and the strict reading of R4 differ. */
export type Reading = "strict" | "hapi";

/** What the parts of the battery are run with; `fhir` is there when a test runs. */
export type Contract = {
  fhir: Exchange;
  base: string;
  reading: Reading;
  /** Status of a write whose condition does not hold. */
  stale: 409 | 412;
  onlyHapi: typeof test;
  /** A new Patient `p` and a study `s` of it. */
  createPair(): Promise<{ p: string; s: string }>;
};

export const MRN = "urn:studycast:test:mrn";
export const DCM = "http://dicom.nema.org/resources/ontology/DCM";
export const TAG = { system: "urn:studycast:test", code: "contract" };

export const patient = (id: string, more: Record<string, unknown> = {}) => ({
  resourceType: "Patient",
  id,
  identifier: [{ system: MRN, value: id }],
  name: [{ family: "Contract" }],
  ...more,
});
export const endpoint = (id: string) => ({
  resourceType: "Endpoint",
  id,
  status: "active",
  connectionType: { system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", code: "dicom-wado-rs" },
  payloadType: [{ text: "DICOM" }],
  address: "http://127.0.0.1/dicom",
});
export const uidOf = (id: string): string => `urn:oid:2.25.${BigInt(`0x${id.replaceAll("-", "")}`)}`;
export const study = (id: string, subject: string | undefined, more: Record<string, unknown> = {}) => ({
  resourceType: "ImagingStudy",
  id,
  meta: { tag: [TAG] },
  identifier: [
    { system: "urn:dicom:uid", value: uidOf(id) },
    { system: "urn:ietf:rfc:3986", value: `urn:uuid:${id}` },
  ],
  status: "available",
  subject: subject === undefined ? { display: "unknown" } : { reference: subject },
  series: [{ uid: "2.25.1", modality: { system: DCM, code: "CT" }, numberOfInstances: 1 }],
  ...more,
});
export const put = (resource: { resourceType: string; id: string }, more: Partial<Entry["request"]> = {}): Entry => ({
  fullUrl: `urn:uuid:${resource.id}`,
  resource,
  request: { method: "PUT", url: `${resource.resourceType}/${resource.id}`, ...more },
});
export const statusesOf = (reply: Reply): number[] =>
  (reply.body.entry ?? []).map(({ response }) => Number.parseInt(response?.status ?? "0", 10));

/** The version that a read shows. */
export async function versionOf({ fhir }: Contract, path: string): Promise<string | undefined> {
  return (await fhir.send("GET", path)).body.meta?.versionId;
}
