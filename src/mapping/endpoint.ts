import type { Endpoint } from "fhir/r4";
import { createdMeta, endpointId, uuidIdentifier } from "./identity.ts";
import { DCM } from "./modalities.ts";

/**
 * The WADO-RS endpoint of one partition of a source.
 * @param address the DICOMweb base URL to publish; a trailing slash and `/studies` are taken off, because clients append them
 */
export function endpointResource(sourceId: string, partition: string, address: string): Endpoint {
  const id = endpointId(sourceId, partition);
  return {
    resourceType: "Endpoint",
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
    address: address
      .trim()
      .replace(/\/+$/, "")
      .replace(/\/studies$/, "")
      .replace(/\/+$/, ""),
  };
}
