import { CREATED_ONLY, type MappingRow, PRESENT_IDENTIFIER, TAG_ROW, WHOLE } from "./row.ts";

export const ENDPOINT_ROWS: readonly MappingRow[] = [
  {
    target: "Endpoint.id",
    tags: [],
    rule: "version-5 UUID over source and partition and, except for WADO-RS, the connection type",
    ownership: CREATED_ONLY,
    source: "studycast",
  },
  { target: "Endpoint.meta.tag", ...TAG_ROW },
  {
    target: "Endpoint.identifier",
    tags: [],
    rule: "`urn:uuid:` + the UUID of `id`",
    ownership: PRESENT_IDENTIFIER,
    source: "studycast",
  },
  { target: "Endpoint.status", tags: [], rule: "active", ownership: WHOLE, source: "R4" },
  {
    target: "Endpoint.connectionType",
    tags: [],
    rule: "dicom-wado-rs always; an Endpoint of its own with dicom-qido-rs where QIDO_ENDPOINT asks for it, and with ihe-iid where VIEWER_URL is set",
    ownership: WHOLE,
    source: "R4",
  },
  { target: { r5: "Endpoint.payload" }, tags: [], rule: "One payload", ownership: WHOLE, source: "R5" },
  {
    target: { r4: "Endpoint.payloadType", r5: "Endpoint.payload.type" },
    tags: [],
    rule: "codings `none` (IHE MADO) and DCM 113014 Study (IHE IMR)",
    ownership: WHOLE,
    source: "IHE MADO, IMR",
  },
  {
    target: { r4: "Endpoint.payloadMimeType", r5: "Endpoint.payload.mimeType" },
    tags: [],
    rule: "WADO-RS: application/dicom, application/dicom+json; QIDO-RS: application/dicom+json; IHE-IID: text/html",
    ownership: WHOLE,
    source: "PS3.18 §8.7, 10.6; IHE RAD-106",
  },
  {
    target: "Endpoint.address",
    tags: [],
    rule: "The DICOMweb base URL to publish, without trailing slash and without `/studies`; of a viewer VIEWER_URL, to which clients append `?requestType=STUDY&studyUID=…`",
    ownership: WHOLE,
    source: "FHIR ImagingStudy notes; IHE RAD-106",
  },
];
