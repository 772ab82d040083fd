import { createdMeta, endpointId, uuidIdentifier } from "./identity.ts";
import { DCM } from "./modalities.ts";
import type { EndpointModel } from "./model.ts";
import type { FhirVersion } from "./rows/row.ts";
import type { EndpointOf } from "./shapes.ts";
import { endpointR4 } from "./write-r4.ts";
import { endpointR5 } from "./write-r5.ts";

/**
 * The WADO-RS endpoint of one partition of a source.
 * @param address the DICOMweb base URL to publish; a trailing slash and `/studies` are taken off, because clients append them
 */
export function endpointResource(
  sourceId: string,
  partition: string,
  address: string,
  fhirVersion?: "R4",
): EndpointOf<"R4">;
export function endpointResource(
  sourceId: string,
  partition: string,
  address: string,
  fhirVersion: FhirVersion | undefined,
): EndpointOf;
export function endpointResource(
  sourceId: string,
  partition: string,
  address: string,
  fhirVersion: FhirVersion = "R4",
): EndpointOf {
  const model = endpointModel(sourceId, partition, address);
  return fhirVersion === "R5" ? endpointR5(model) : endpointR4(model);
}

function endpointModel(sourceId: string, partition: string, address: string): EndpointModel {
  const id = endpointId(sourceId, partition);
  return {
    id,
    meta: createdMeta(),
    identifier: [uuidIdentifier(id)],
    status: "active",
    connectionType: {
      system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
      code: "dicom-wado-rs",
      display: "DICOM WADO-RS",
    },
    payloadType: [
      {
        coding: [
          { system: "http://terminology.hl7.org/CodeSystem/endpoint-payload-type", code: "none", display: "None" },
          { system: DCM, code: "113014", display: "Study" },
        ],
      },
    ],
    payloadMimeType: ["application/dicom", "application/dicom+json"],
    name: undefined,
    extension: [],
    address: address
      .trim()
      .replace(/\/+$/, "")
      .replace(/\/studies$/, "")
      .replace(/\/+$/, ""),
  };
}
