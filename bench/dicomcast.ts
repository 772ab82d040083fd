/**
 * DICOMcast's requests re-enacted (from its source, as the reference for the comparison; archived by Microsoft in December 2024): pages of ten entries
 * with metadata, one entry after the other, for each image three searches (Patient, Endpoint, ImagingStudy) and one transaction that carries the whole
 * study as it has grown so far. What it computes between its requests is left out, so it is shown faster than it was.
 */
import { Agent, request } from "undici";
import { PATIENT_ID_SYSTEM } from "./stage.ts";

export type DicomCastOptions = { dicomUrl: string; fhirUrl: string; pageSize?: number };

type Row = {
  sequence: number;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  metadata: unknown;
};
type Resource = Record<string, unknown> & { id?: string };

/** Runs from the beginning of the feed until the signal aborts; resolves with the number of images it has dealt with. */
export async function dicomCast(
  { dicomUrl, fhirUrl, pageSize = 10 }: DicomCastOptions,
  signal: AbortSignal,
): Promise<number> {
  const agent = new Agent({ connections: 4 });
  const get = async (url: string, accept: string): Promise<unknown> => {
    const { body } = await request(url, { headers: { accept }, dispatcher: agent });
    return body.json();
  };
  const search = async (query: string): Promise<Resource | undefined> => {
    const bundle = (await get(`${fhirUrl}/${query}`, "application/fhir+json")) as { entry?: { resource: Resource }[] };
    return bundle.entry?.[0]?.resource;
  };
  let images = 0;
  let sequence = 0;
  while (!signal.aborted) {
    await get(`${dicomUrl}/v1/changefeed/latest?includeMetadata=false`, "application/json");
    const page = await get(
      `${dicomUrl}/v1/changefeed?offset=${sequence}&limit=${pageSize}&includeMetadata=true`,
      "application/json",
    );
    for (const row of rowsOf(page)) {
      if (signal.aborted) break;
      const bundle = await transactionOf(row, dicomUrl, search);
      const { body, statusCode } = await request(`${fhirUrl}/`, {
        method: "POST",
        headers: { "content-type": "application/fhir+json", accept: "application/fhir+json" },
        body: JSON.stringify(bundle),
        dispatcher: agent,
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`the FHIR server answered ${statusCode} to a DICOMcast transaction`);
      sequence = row.sequence;
      images++;
    }
  }
  await agent.close();
  return images;
}

/** Names of members and values differ in case between versions of the service; those of the emulator's default are read. */
function rowsOf(page: unknown): Row[] {
  if (!Array.isArray(page)) throw new Error("no page of the feed");
  return page.map((row: Record<string, unknown>) => {
    const lower = Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));
    return {
      sequence: Number(lower["sequence"]),
      studyInstanceUid: String(lower["studyinstanceuid"]),
      seriesInstanceUid: String(lower["seriesinstanceuid"]),
      sopInstanceUid: String(lower["sopinstanceuid"]),
      metadata: lower["metadata"],
    };
  });
}

const elementValue = (metadata: unknown, tag: string): unknown =>
  (metadata as Record<string, { Value?: unknown[] }>)[tag]?.Value?.[0];

async function transactionOf(
  row: Row,
  dicomUrl: string,
  search: (query: string) => Promise<Resource | undefined>,
): Promise<object> {
  const system = encodeURIComponent(PATIENT_ID_SYSTEM);
  const patientKey = String(elementValue(row.metadata, "00100020"));
  const patient = await search(`Patient?identifier=${system}%7C${patientKey}`);
  const endpoint = await search("Endpoint?name=DICOM%20WADO-RS%20endpoint&connection-type=dicom-wado-rs");
  const uid = `urn:oid:${row.studyInstanceUid}`;
  const study = await search(`ImagingStudy?identifier=urn%3Adicom%3Auid%7C${encodeURIComponent(uid)}`);
  const entry: object[] = [];
  if (patient === undefined)
    entry.push(
      create(
        newPatient(row.metadata, patientKey),
        `identifier=${PATIENT_ID_SYSTEM}|${patientKey}`,
        "urn:uuid:00000000-0000-4000-8000-000000000001",
      ),
    );
  if (endpoint === undefined)
    entry.push(
      create(
        newEndpoint(dicomUrl),
        "name=DICOM WADO-RS endpoint&connection-type=dicom-wado-rs",
        "urn:uuid:00000000-0000-4000-8000-000000000002",
      ),
    );
  const references = {
    subject: {
      reference: patient?.id === undefined ? "urn:uuid:00000000-0000-4000-8000-000000000001" : `Patient/${patient.id}`,
    },
    endpoint: [
      {
        reference:
          endpoint?.id === undefined ? "urn:uuid:00000000-0000-4000-8000-000000000002" : `Endpoint/${endpoint.id}`,
      },
    ],
  };
  if (study === undefined)
    entry.push(
      create(
        { ...newStudy(row, uid), ...references },
        `identifier=urn:dicom:uid|${uid}`,
        "urn:uuid:00000000-0000-4000-8000-000000000003",
      ),
    );
  else entry.push(update({ ...study, series: withInstance(study["series"], row) }));
  return { resourceType: "Bundle", type: "transaction", entry };
}

const create = (resource: Resource, ifNoneExist: string, fullUrl: string): object => ({
  fullUrl,
  resource,
  request: { method: "POST", url: String(resource["resourceType"]), ifNoneExist },
});

function update(resource: Resource): object {
  const meta = resource["meta"] as { versionId?: string } | undefined;
  const url = `ImagingStudy/${resource.id}`;
  return { resource, request: { method: "PUT", url, ifMatch: `W/"${meta?.versionId}"` } };
}

function newPatient(metadata: unknown, key: string): Resource {
  const name = String((elementValue(metadata, "00100010") as { Alphabetic?: string } | undefined)?.Alphabetic ?? "");
  const [family, given] = name.split("^");
  return {
    resourceType: "Patient",
    identifier: [{ system: PATIENT_ID_SYSTEM, value: key }],
    name: [{ use: "usual", family, given: [given] }],
    gender: elementValue(metadata, "00100040") === "F" ? "female" : "male",
  };
}

function newEndpoint(address: string): Resource {
  return {
    resourceType: "Endpoint",
    name: "DICOM WADO-RS endpoint",
    status: "active",
    connectionType: { system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", code: "dicom-wado-rs" },
    payloadType: [{ text: "DICOM WADO-RS" }],
    payloadMimeType: ["application/dicom"],
    address,
  };
}

function newStudy(row: Row, uid: string): Resource {
  return {
    resourceType: "ImagingStudy",
    identifier: [{ system: "urn:dicom:uid", value: uid }],
    status: "available",
    modality: [
      { system: "http://dicom.nema.org/resources/ontology/DCM", code: String(elementValue(row.metadata, "00080060")) },
    ],
    description: String(elementValue(row.metadata, "00081030")),
    series: withInstance([], row),
  };
}

function withInstance(series: unknown, row: Row): object[] {
  const list = (Array.isArray(series) ? series : []) as { uid: string; instance: object[] }[];
  const instance = {
    uid: row.sopInstanceUid,
    sopClass: { system: "urn:ietf:rfc:3986", code: `urn:oid:${String(elementValue(row.metadata, "00080016"))}` },
    number: Number(elementValue(row.metadata, "00200013")),
  };
  const known = list.find(({ uid }) => uid === row.seriesInstanceUid);
  if (known) known.instance.push(instance);
  else
    list.push({
      uid: row.seriesInstanceUid,
      ...{
        number: Number(elementValue(row.metadata, "00200011")),
        modality: {
          system: "http://dicom.nema.org/resources/ontology/DCM",
          code: String(elementValue(row.metadata, "00080060")),
        },
      },
      instance: [instance],
    });
  return list;
}
