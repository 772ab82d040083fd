/** The Endpoints of a source: one resource for each kind that is asked for, references that come and go with the options, others' references that stay. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startFhirEmulator } from "../../emulators/fhir/index.ts";
import {
  carryOut,
  createFhirClient,
  ensureEndpoints,
  type FhirClient,
  lookUpReferred,
  lookUpStudy,
  ownedStudies,
  planRemoval,
  planStudy,
} from "../../src/fhir/index.ts";
import type { Resource } from "../../src/fhir/json.ts";
import { endpointKinds, endpointResources, type MappingOptions, studyIdentity } from "../../src/mapping/index.ts";
import { MAPPING, type Sample, study } from "./samples.ts";

const signal = AbortSignal.timeout(600_000);
const ALL: MappingOptions = {
  ...MAPPING,
  qidoEndpoint: true,
  viewerUrl: "https://viewer.example/IHEInvokeImageDisplay",
};
const THEIRS = { reference: "Endpoint/their-viewer" };

let server: Awaited<ReturnType<typeof startFhirEmulator>>;
let client: FhirClient;
beforeAll(async () => {
  server = await startFhirEmulator({});
  client = createFhirClient({ url: server.url, requestTimeoutMs: 20_000, maxBytes: 50_000_000 });
});
afterAll(async () => {
  await client?.close();
  await server?.close();
});

async function sync(sample: Sample, options: MappingOptions, address = "http://pacs/v2") {
  const wanted = study(sample, options);
  const identity = studyIdentity(options.sourceId, wanted.study, endpointKinds(options));
  const found = await lookUpStudy(client, identity, signal);
  const endpoints = endpointResources(options, "Microsoft.Default", address);
  await ensureEndpoints(client, { endpoints, ownership: wanted.ownership }, found, signal);
  const { patient } = await lookUpReferred(client, wanted, signal);
  const plan = planStudy(found, patient, wanted, { patientPolicy: "create" });
  await carryOut(client, plan, {}, signal);
  const id = String(wanted.imagingStudy.id);
  return { plan, endpoints, identity, id, imagingStudy: await client.read("ImagingStudy", id, signal) };
}

const referencesOf = (options: MappingOptions) =>
  endpointResources(options, "Microsoft.Default", "http://pacs/v2").map(({ id }) => ({ reference: `Endpoint/${id}` }));

const endpointsOf = (imagingStudy: Resource | undefined) => (imagingStudy?.["endpoint"] ?? []) as object[];

describe("endpoints", () => {
  test.each(["R4", "R5"] as const)(
    "each that is asked for is written once and referred to, in %s",
    async (fhirVersion) => {
      const options = { ...ALL, sourceId: `pacs-${fhirVersion}`, fhirVersion };
      const { endpoints, imagingStudy } = await sync({ uid: `1.7.${fhirVersion.slice(1)}` }, options);
      expect(endpoints).toHaveLength(3);
      expect(new Set(endpoints.map(({ id }) => id)).size).toBe(3);
      expect(imagingStudy?.["endpoint"]).toEqual(referencesOf(options));
      for (const endpoint of endpoints) {
        const { meta: _meta, ...asked } = endpoint;
        expect(await client.read("Endpoint", String(endpoint.id), signal)).toMatchObject(asked);
      }
    },
  );

  test("an address that changes is written to each Endpoint, and to no study", async () => {
    await sync({ uid: "1.7.10" }, ALL);
    const moved = await sync({ uid: "1.7.10" }, { ...ALL, viewerUrl: "https://new.example/iid" }, "http://moved/v2");
    expect(moved.plan).toEqual({ kind: "unchanged" });
    const addresses = await Promise.all(
      moved.endpoints.map(async ({ id }) => (await client.read("Endpoint", String(id), signal))?.["address"]),
    );
    expect(addresses).toEqual(["http://moved/v2", "http://moved/v2", "https://new.example/iid"]);
  });

  test("a viewer that is no longer asked for leaves the study, others' endpoints stay", async () => {
    const { imagingStudy } = await sync({ uid: "1.7.20" }, ALL);
    const endpoint = [...endpointsOf(imagingStudy), THEIRS];
    await client.put(
      { ...imagingStudy, resourceType: "ImagingStudy", id: String(imagingStudy?.id), endpoint },
      undefined,
      signal,
    );
    expect((await sync({ uid: "1.7.20" }, ALL)).plan).toEqual({ kind: "unchanged" });
    const after = await sync({ uid: "1.7.20" }, { ...ALL, viewerUrl: undefined });
    expect(after.imagingStudy?.["endpoint"]).toEqual([...referencesOf({ ...ALL, viewerUrl: undefined }), THEIRS]);
  });

  test("an adopted study whose images are gone keeps no reference to an endpoint of ours", async () => {
    const { identity, imagingStudy } = await sync({ uid: "1.7.30" }, ALL);
    const endpoint = [...endpointsOf(imagingStudy), THEIRS];
    const adopted = { ...imagingStudy, resourceType: "ImagingStudy", id: "ris-1", meta: { versionId: "1" }, endpoint };
    const plan = planRemoval({ identity, own: [adopted], sameUid: [], endpoints: [] }, { deletePolicy: "delete" });
    expect(plan).toMatchObject({ kind: "write", writes: [{ resource: { endpoint: [THEIRS] } }] });
  });

  test("further endpoints make no study come twice when a source's studies are listed", async () => {
    await sync({ uid: "1.7.40" }, ALL);
    const listed: string[] = [];
    for await (const one of ownedStudies(client, "pacs", signal)) listed.push(one);
    expect(listed.filter((one) => one.endsWith("1.7.40"))).toHaveLength(1);
  });
});
