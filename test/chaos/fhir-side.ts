/** The FHIR server of a run (which is its source too): an emulator or a given one. Others keep resources there too; nobody may touch them. */
import type { FhirResource } from "fhir/r4";
import { type FhirEmulator, startFhirEmulator } from "../../emulators/fhir/index.ts";
import { endpointId } from "../../src/mapping/index.ts";
import { DEFAULT_PARTITION } from "../../src/study.ts";
import { patientId } from "./day.ts";

export type FhirSide = {
  url: string;
  /** All resources of the run, ours and others', by type and id. */
  all(): Promise<Map<string, FhirResource>>;
  /** The ones others have put there. */
  others: readonly string[];
  close(): Promise<void>;
};

const TYPES = ["Patient", "ImagingStudy", "Endpoint", "Observation"] as const;

export async function openFhir(run: string, system: string, given?: string, hapi = false): Promise<FhirSide> {
  const emulator = given === undefined ? await startFhirEmulator({ hapi }) : undefined;
  const url = (emulator?.url ?? given ?? "").replace(/\/$/, "");
  const endpoint = `"Endpoint/${endpointId(run, DEFAULT_PARTITION)}"`;
  const others = othersOf(run, system);
  for (const resource of others) await put(url, resource);
  return {
    url,
    others: others.map(({ resourceType, id }) => `${resourceType}/${id}`),
    async all() {
      const found = await Promise.all(TYPES.map((type) => resources(url, emulator, type)));
      const isOfRun = (text: string) => text.includes(run) || text.includes(endpoint);
      const ours = found.flat().filter((resource) => emulator !== undefined || isOfRun(JSON.stringify(resource)));
      return new Map(ours.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
    },
    close: async () => emulator?.close(),
  };
}

async function resources(url: string, emulator: FhirEmulator | undefined, type: string): Promise<FhirResource[]> {
  if (emulator !== undefined) return structuredClone(emulator.resources(type)) as FhirResource[];
  const found: FhirResource[] = [];
  for (let next: string | undefined = `${url}/${type}?_count=500`; next !== undefined; ) {
    const answer = await fetch(next, { headers: { accept: "application/fhir+json", "cache-control": "no-cache" } });
    if (!answer.ok) throw new Error(`search of ${type}: ${answer.status}`);
    const page = (await answer.json()) as {
      entry?: { resource: FhirResource }[];
      link?: { relation: string; url: string }[];
    };
    found.push(...(page.entry ?? []).map(({ resource }) => resource));
    next = page.link?.find(({ relation }) => relation === "next")?.url;
  }
  return found;
}

async function put(url: string, resource: FhirResource): Promise<void> {
  const answer = await fetch(`${url}/${resource.resourceType}/${resource.id}`, {
    method: "PUT",
    headers: { "content-type": "application/fhir+json" },
    body: JSON.stringify(resource),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`PUT ${resource.resourceType}: ${answer.status}`);
}

/** A Patient of the hospital's records whose images arrive too, one whose do not, a study of another archive, and what refers to them. */
function othersOf(run: string, system: string): FhirResource[] {
  const id = (name: string) => `${run}-${name}`;
  const subject = { reference: `Patient/${id("known")}` };
  return [
    {
      resourceType: "Patient",
      id: id("known"),
      identifier: [{ system, value: patientId(run, 0) }],
      name: [{ family: "Kept", given: ["As", "It", "Is"] }],
    },
    { resourceType: "Patient", id: id("other"), identifier: [{ system: "urn:other", value: run }], active: true },
    {
      resourceType: "ImagingStudy",
      id: id("other"),
      identifier: [{ system: "urn:dicom:uid", value: `urn:oid:2.25.${Buffer.from(run).readUInt16BE(0)}` }],
      status: "available",
      subject,
    },
    {
      resourceType: "Endpoint",
      id: id("other"),
      status: "active",
      connectionType: {
        system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
        code: "dicom-wado-rs",
      },
      payloadType: [{ text: "DICOM" }],
      address: `http://other.example/${run}`,
    },
    { resourceType: "Observation", id: id("other"), status: "final", code: { text: "other" }, subject },
  ];
}
