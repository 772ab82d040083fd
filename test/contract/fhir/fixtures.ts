/** Resources and entries that the battery sends, and what a server's reading means for it. */
import type { test } from "@jest/globals";
import type { Entry, Exchange, Reply } from "./exchange.ts";

/** How a server answers where HAPI and the strict reading of R4 differ. */
export type Reading = "strict" | "hapi";

export type Identified = { resourceType: string; id: string };

/** What the parts of the battery are run with; `fhir` is there when a test runs. */
export type Contract = {
  fhir: Exchange;
  base: string;
  reading: Reading;
  /** `fhirVersion` of the server's capability statement. */
  fhirVersion: string;
  /** Status of a write whose condition does not hold. */
  stale: 409 | 412;
  onlyHapi: typeof test;
  study(id: string, subject: string | undefined, more?: Record<string, unknown>): Identified;
  endpoint(id: string): Identified;
  /** Series members in the server's release. */
  series(more: Record<string, unknown>): Record<string, unknown>;
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
export const uidOf = (id: string): string => `urn:oid:2.25.${BigInt(`0x${id.replaceAll("-", "")}`)}`;

/** The resources that R4 and R5 write differently. */
export function fixturesOf(isR5: boolean): Pick<Contract, "study" | "endpoint" | "series"> {
  const concept = (coding: { system: string; code: string }) => (isR5 ? { coding: [coding] } : coding);
  const series = (more: Record<string, unknown>) => ({ modality: concept({ system: DCM, code: "CT" }), ...more });
  return {
    series,
    endpoint: (id) => {
      const system = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type";
      const connection = concept({ system, code: "dicom-wado-rs" });
      const type = { text: "DICOM" };
      return {
        resourceType: "Endpoint",
        id,
        status: "active",
        ...(isR5
          ? { connectionType: [connection], payload: [{ type: [type] }] }
          : { connectionType: connection, payloadType: [type] }),
        address: "http://127.0.0.1/dicom",
      };
    },
    study: (id, subject, more = {}) => ({
      resourceType: "ImagingStudy",
      id,
      meta: { tag: [TAG] },
      identifier: [
        { system: "urn:dicom:uid", value: uidOf(id) },
        { system: "urn:ietf:rfc:3986", value: `urn:uuid:${id}` },
      ],
      status: "available",
      subject: subject === undefined ? { display: "unknown" } : { reference: subject },
      series: [series({ uid: "2.25.1", numberOfInstances: 1 })],
      ...more,
    }),
  };
}
export const put = (resource: Identified, more: Partial<Entry["request"]> = {}): Entry => ({
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
