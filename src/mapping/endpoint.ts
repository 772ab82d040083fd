/** The Endpoints of one partition of a source: where its studies are retrieved, searched and looked at. */
import { createdMeta, type EndpointKind, endpointId, uuidIdentifier } from "./identity.ts";
import { DCM } from "./modalities.ts";
import type { EndpointModel } from "./model.ts";
import type { MappingOptions } from "./options.ts";
import { endpointWithProfiles } from "./profiles.ts";
import type { EndpointOf } from "./shapes.ts";
import { endpointR4 } from "./write-r4.ts";
import { endpointR5 } from "./write-r5.ts";

export type EndpointOptions = Pick<
  MappingOptions,
  "sourceId" | "fhirVersion" | "qidoEndpoint" | "viewerUrl" | "include" | "retrieveLocationUid"
>;

/** The kinds that the options ask for, WADO-RS first. */
export function endpointKinds({
  qidoEndpoint,
  viewerUrl,
}: Pick<EndpointOptions, "qidoEndpoint" | "viewerUrl">): EndpointKind[] {
  return [
    "dicom-wado-rs",
    ...(qidoEndpoint ? ["dicom-qido-rs" as const] : []),
    ...(viewerUrl ? ["ihe-iid" as const] : []),
  ];
}

/**
 * One Endpoint for each kind that the options ask for, WADO-RS first.
 * @param address the DICOMweb base URL to publish; a trailing slash and `/studies` are taken off, because clients append them
 */
export function endpointResources(
  options: EndpointOptions & { fhirVersion?: "R4" },
  partition: string,
  address: string,
): EndpointOf<"R4">[];
export function endpointResources(options: EndpointOptions, partition: string, address: string): EndpointOf[];
export function endpointResources(options: EndpointOptions, partition: string, address: string): EndpointOf[] {
  const write = options.fhirVersion === "R5" ? endpointR5 : endpointR4;
  return endpointKinds(options).map((kind) => {
    return write(endpointWithProfiles(endpointModel(kind, options, partition, address), options));
  });
}

/** Display by HL7's code system endpoint-connection-type, and what an address of the kind answers with. */
const KINDS: Readonly<Record<EndpointKind, { display: string; mimeTypes: readonly string[] }>> = {
  "dicom-wado-rs": { display: "DICOM WADO-RS", mimeTypes: ["application/dicom", "application/dicom+json"] },
  "dicom-qido-rs": { display: "DICOM QIDO-RS", mimeTypes: ["application/dicom+json"] },
  "ihe-iid": { display: "IHE IID", mimeTypes: ["text/html"] },
};

function endpointModel(
  kind: EndpointKind,
  { sourceId, viewerUrl = "" }: EndpointOptions,
  partition: string,
  address: string,
): EndpointModel {
  const id = endpointId(sourceId, partition, kind);
  const { display, mimeTypes } = KINDS[kind];
  return {
    id,
    meta: createdMeta(),
    identifier: [uuidIdentifier(id)],
    status: "active",
    connectionType: {
      system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
      code: kind,
      display,
    },
    payloadType: [
      {
        coding: [
          { system: "http://terminology.hl7.org/CodeSystem/endpoint-payload-type", code: "none", display: "None" },
          { system: DCM, code: "113014", display: "Study" },
        ],
      },
    ],
    payloadMimeType: mimeTypes,
    name: undefined,
    extension: [],
    address: kind === "ihe-iid" ? viewerAddress(viewerUrl, partition) : webAddress(address),
  };
}

function webAddress(address: string): string {
  return address
    .trim()
    .replace(/\/+$/, "")
    .replace(/\/studies$/, "")
    .replace(/\/+$/, "");
}

/** A URL parser may have escaped the braces. */
function viewerAddress(url: string, partition: string): string {
  return url.replaceAll(/(?:\{|%7B)partition(?:\}|%7D)/gi, () => encodeURIComponent(partition));
}
