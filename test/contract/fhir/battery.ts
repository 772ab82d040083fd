/**
 * What studycast needs of a FHIR R4 server, as tests over HTTP. `server` says which documented reading applies where HAPI and
 * the strict reading differ; everything else holds for both. Each test uses ids of its own, so a server that holds other
 * resources, or an earlier run's, is fine.
 */
import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { type Entry, type Exchange, exchangeWith, type Reply } from "./exchange.ts";

export type Reading = "strict" | "hapi";

const MRN = "urn:studycast:test:mrn";
const DCM = "http://dicom.nema.org/resources/ontology/DCM";
const TAG = { system: "urn:studycast:test", code: "contract" };

const patient = (id: string, more: Record<string, unknown> = {}) => ({
  resourceType: "Patient",
  id,
  identifier: [{ system: MRN, value: id }],
  name: [{ family: "Contract" }],
  ...more,
});
const endpoint = (id: string) => ({
  resourceType: "Endpoint",
  id,
  status: "active",
  connectionType: { system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", code: "dicom-wado-rs" },
  payloadType: [{ text: "DICOM" }],
  address: "http://127.0.0.1/dicom",
});
const uidOf = (id: string): string => `urn:oid:2.25.${BigInt(`0x${id.replaceAll("-", "")}`)}`;
const study = (id: string, subject: string | undefined, more: Record<string, unknown> = {}) => ({
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
const put = (resource: { resourceType: string; id: string }, more: Partial<Entry["request"]> = {}): Entry => ({
  fullUrl: `urn:uuid:${resource.id}`,
  resource,
  request: { method: "PUT", url: `${resource.resourceType}/${resource.id}`, ...more },
});
const statusesOf = (reply: Reply): number[] =>
  (reply.body.entry ?? []).map(({ response }) => Number.parseInt(response?.status ?? "0", 10));

export function describeFhirContract(name: string, base: () => string, reading: () => Reading): void {
  const stale = (): number => (reading() === "hapi" ? 409 : 412);

  describe(`FHIR contract: ${name}`, () => {
    let fhir: Exchange;
    beforeAll(() => {
      fhir = exchangeWith(base());
    });
    const version = async (path: string): Promise<string | undefined> =>
      (await fhir.send("GET", path)).body.meta?.versionId;
    const createPair = async (): Promise<{ p: string; s: string }> => {
      const [p, s] = [randomUUID(), randomUUID()];
      const reply = await fhir.transaction([put(patient(p)), put(study(s, `Patient/${p}`))]);
      expect([reply.status, ...statusesOf(reply)]).toEqual([200, 201, 201]);
      return { p, s };
    };

    describe("capability statement", () => {
      test("names R4, JSON, transactions, batches and update-as-create", async () => {
        const { status, body } = await fhir.send("GET", "/metadata");
        expect(status).toBe(200);
        expect(body).toMatchObject({ resourceType: "CapabilityStatement", fhirVersion: "4.0.1" });
        expect(JSON.stringify(body["format"])).toContain("json");
        const [rest] = body["rest"] as {
          interaction: { code: string }[];
          resource: { type: string; updateCreate?: boolean }[];
        }[];
        expect(rest?.interaction.map(({ code }) => code)).toContain("transaction");
        const types = rest?.resource.filter(({ type }) => ["Patient", "ImagingStudy", "Endpoint"].includes(type));
        expect(types).toHaveLength(3);
        // HAPI takes a PUT of a new id and leaves the member out; only `false` means no.
        const expected = reading() === "hapi" ? undefined : true;
        expect(types?.map(({ updateCreate }) => updateCreate)).toEqual([expected, expected, expected]);
      });
    });

    describe("lone writes", () => {
      test("a PUT of a new id creates it with 201 and version 1, and a changed one counts to 2", async () => {
        const id = randomUUID();
        const first = await fhir.send("PUT", `/Patient/${id}`, patient(id));
        expect([first.status, first.headers.get("etag")]).toEqual([201, 'W/"1"']);
        expect(first.headers.get(reading() === "hapi" ? "content-location" : "location")).toMatch(
          new RegExp(`^http.*/Patient/${id}/_history/1$`),
        );
        const second = await fhir.send("PUT", `/Patient/${id}`, patient(id, { gender: "other" }));
        expect([second.status, second.headers.get("etag")]).toEqual([200, 'W/"2"']);
        expect((await fhir.send("GET", `/Patient/${id}/_history/1`)).body["gender"]).toBeUndefined();
      });

      test("an unchanged PUT keeps the version on HAPI and makes one in the strict reading", async () => {
        const id = randomUUID();
        await fhir.send("PUT", `/Patient/${id}`, patient(id));
        const again = await fhir.send("PUT", `/Patient/${id}`, patient(id));
        expect([again.status, again.headers.get("etag")]).toEqual([200, reading() === "hapi" ? 'W/"1"' : 'W/"2"']);
      });

      test("If-Match of the current version is taken, of an older one refused without a write", async () => {
        const id = randomUUID();
        await fhir.send("PUT", `/Patient/${id}`, patient(id));
        const fresh = await fhir.send("PUT", `/Patient/${id}`, patient(id, { gender: "male" }), {
          "if-match": 'W/"1"',
        });
        expect(fresh.status).toBe(200);
        const late = await fhir.send("PUT", `/Patient/${id}`, patient(id, { gender: "female" }), {
          "if-match": 'W/"1"',
        });
        expect([late.status, late.body.resourceType]).toEqual([stale(), "OperationOutcome"]);
        expect((await fhir.send("GET", `/Patient/${id}`)).body["gender"]).toBe("male");
      });

      test("If-Match on what never existed creates it on HAPI and is refused in the strict reading", async () => {
        const id = randomUUID();
        const reply = await fhir.send("PUT", `/Patient/${id}`, patient(id), { "if-match": 'W/"1"' });
        expect(reply.status).toBe(reading() === "hapi" ? 201 : 404);
      });

      test("an id in the body other than in the URL is 400; in a Bundle HAPI takes the URL's", async () => {
        const id = randomUUID();
        expect((await fhir.send("PUT", `/Patient/${id}`, patient(randomUUID()))).status).toBe(400);
        const reply = await fhir.transaction([
          { resource: patient(randomUUID()), request: { method: "PUT", url: `Patient/${id}` } },
        ]);
        if (reading() === "hapi") expect(statusesOf(reply)).toEqual([201]);
        else expect(reply.status).toBe(400);
      });

      test("a conditional create answers 201 once, then 200 without a change, and 412 for two matches", async () => {
        const value = randomUUID();
        const person = { resourceType: "Patient", identifier: [{ system: MRN, value }] };
        const condition = { "if-none-exist": `identifier=${MRN}|${value}` };
        const first = await fhir.send("POST", "/Patient", person, condition);
        const second = await fhir.send("POST", "/Patient", { ...person, gender: "male" }, condition);
        expect([first.status, second.status]).toEqual([201, 200]);
        expect(
          (await fhir.search(`Patient?identifier=${MRN}|${value}`)).entry?.map(({ resource }) => resource?.["gender"]),
        ).toEqual([undefined]);
        await fhir.send("POST", "/Patient", person);
        expect((await fhir.send("POST", "/Patient", person, condition)).status).toBe(412);
      });

      test("broken JSON and a missing body are 400, a resource of another type too", async () => {
        const raw = await fetch(`${base()}/Patient`, {
          method: "POST",
          headers: { "content-type": "application/fhir+json" },
          body: "{",
        });
        expect(raw.status).toBe(400);
        expect((await fhir.send("PUT", `/Patient/${randomUUID()}`, endpoint("e-1"))).status).toBe(400);
      });
    });

    describe("deletion", () => {
      test("reads answer 410, searches find nothing, a second deletion is fine, a PUT brings it back with 201", async () => {
        const { s } = await createPair();
        const first = await fhir.send("DELETE", `/ImagingStudy/${s}`);
        expect(first.status).toBe(reading() === "hapi" ? 200 : 204);
        expect((await fhir.send("GET", `/ImagingStudy/${s}`)).status).toBe(410);
        expect((await fhir.search(`ImagingStudy?identifier=urn:dicom:uid|${uidOf(s)}`)).entry ?? []).toEqual([]);
        expect((await fhir.send("DELETE", `/ImagingStudy/${s}`)).status).toBe(reading() === "hapi" ? 200 : 204);
        const back = await fhir.send("PUT", `/ImagingStudy/${s}`, study(s, undefined));
        expect(back.status).toBe(201);
        expect((await fhir.search(`ImagingStudy?identifier=urn:dicom:uid|${uidOf(s)}`)).entry).toHaveLength(1);
        expect(Number(await version(`/ImagingStudy/${s}`))).toBeGreaterThan(2);
      });

      test("an If-Match of a version before the deletion is refused", async () => {
        const id = randomUUID();
        await fhir.send("PUT", `/Patient/${id}`, patient(id));
        await fhir.send("DELETE", `/Patient/${id}`);
        expect((await fhir.send("PUT", `/Patient/${id}`, patient(id), { "if-match": 'W/"1"' })).status).toBe(stale());
        expect((await fhir.send("PUT", `/Patient/${id}`, patient(id), { "if-match": 'W/"2"' })).status).toBe(201);
      });

      test("a stale If-Match is ignored by HAPI and refused in the strict reading", async () => {
        const id = randomUUID();
        await fhir.send("PUT", `/Patient/${id}`, patient(id));
        const reply = await fhir.send("DELETE", `/Patient/${id}`, undefined, { "if-match": 'W/"9"' });
        expect(reply.status).toBe(reading() === "hapi" ? 200 : 412);
      });

      test("HAPI refuses to delete what is referred to, alone, and takes both in one transaction", async () => {
        const { p, s } = await createPair();
        if (reading() === "strict") return;
        expect((await fhir.send("DELETE", `/Patient/${p}`)).status).toBe(409);
        expect((await fhir.send("GET", `/Patient/${p}`)).status).toBe(200);
        const both = await fhir.transaction([
          { request: { method: "DELETE", url: `Patient/${p}` } },
          { request: { method: "DELETE", url: `ImagingStudy/${s}` } },
        ]);
        expect([both.status, ...statusesOf(both)]).toEqual([200, 204, 204]);
      });

      test("a deletion in a transaction answers 204, again and of one that never was", async () => {
        const { s } = await createPair();
        const remove = (id: string): Entry => ({ request: { method: "DELETE", url: `ImagingStudy/${id}` } });
        for (const id of [s, s, randomUUID()]) expect(statusesOf(await fhir.transaction([remove(id)]))).toEqual([204]);
      });

      test("a PUT in a transaction revives with 201", async () => {
        const { s } = await createPair();
        await fhir.send("DELETE", `/ImagingStudy/${s}`);
        expect(statusesOf(await fhir.transaction([put(study(s, undefined))]))).toEqual([201]);
      });
    });

    describe("transactions", () => {
      test("answer in the order of the request, with location and etag per entry", async () => {
        const [p, s] = [randomUUID(), randomUUID()];
        const reply = await fhir.transaction([put(study(s, `Patient/${p}`)), put(patient(p))]);
        const responses = reply.body.entry?.map(({ response }) => response);
        expect(responses?.[0]?.location).toContain(`ImagingStudy/${s}/_history/1`);
        expect(responses?.[1]?.location).toContain(`Patient/${p}/_history/1`);
        expect(responses?.[0]?.etag).toBe(reading() === "hapi" ? "1" : 'W/"1"');
      });

      test("are atomic: one stale ifMatch and nothing of the Bundle is stored", async () => {
        const { p, s } = await createPair();
        const fresh = randomUUID();
        const reply = await fhir.transaction([
          put(patient(fresh)),
          put(patient(p, { gender: "male" })),
          put(study(s, `Patient/${p}`, { description: "late" }), { ifMatch: 'W/"7"' }),
        ]);
        expect([reply.status, reply.body.resourceType]).toEqual([stale(), "OperationOutcome"]);
        expect((await fhir.send("GET", `/Patient/${fresh}`)).status).toBe(404);
        expect((await fhir.send("GET", `/Patient/${p}`)).body["gender"]).toBeUndefined();
        expect((await fhir.search(`Patient?identifier=${MRN}|${fresh}`)).entry ?? []).toEqual([]);
        expect(await version(`/ImagingStudy/${s}`)).toBe("1");
      });

      test("take ifMatch of the current version", async () => {
        const { p, s } = await createPair();
        const changed = study(s, `Patient/${p}`, { description: "new" });
        expect(statusesOf(await fhir.transaction([put(changed, { ifMatch: 'W/"1"' })]))).toEqual([200]);
        expect(await version(`/ImagingStudy/${s}`)).toBe("2");
      });

      test("of unchanged content store nothing new on HAPI", async () => {
        const { p, s } = await createPair();
        const reply = await fhir.transaction([put(patient(p)), put(study(s, `Patient/${p}`))]);
        expect(statusesOf(reply)).toEqual([200, 200]);
        expect(await version(`/ImagingStudy/${s}`)).toBe(reading() === "hapi" ? "1" : "2");
      });

      test("rewrite a fullUrl in references and never in identifiers", async () => {
        const [value, s] = [randomUUID(), randomUUID()];
        const urn = `urn:uuid:${randomUUID()}`;
        const reply = await fhir.transaction([
          {
            fullUrl: urn,
            resource: { resourceType: "Patient", identifier: [{ system: MRN, value }] },
            request: { method: "POST", url: "Patient", ifNoneExist: `identifier=${MRN}|${value}` },
          },
          put(study(s, urn)),
        ]);
        expect([reply.status, ...statusesOf(reply)]).toEqual([200, 201, 201]);
        const { body } = await fhir.send("GET", `/ImagingStudy/${s}`);
        expect(body.subject?.reference).toMatch(/^Patient\/[^/]+$/);
        expect(body.identifier?.[1]?.value).toBe(`urn:uuid:${s}`);
        expect((await fhir.send("GET", `/${body.subject?.reference}`)).body.identifier?.[0]?.value).toBe(value);
      });

      test("find the existing resource of a conditional create and point references to it", async () => {
        const { p } = await createPair();
        const s = randomUUID();
        const urn = `urn:uuid:${randomUUID()}`;
        const reply = await fhir.transaction([
          {
            fullUrl: urn,
            resource: { resourceType: "Patient", identifier: [{ system: MRN, value: p }] },
            request: { method: "POST", url: "Patient", ifNoneExist: `identifier=${MRN}|${p}` },
          },
          put(study(s, urn)),
        ]);
        expect(statusesOf(reply)).toEqual([200, 201]);
        expect((await fhir.send("GET", `/ImagingStudy/${s}`)).body.subject?.reference).toBe(`Patient/${p}`);
      });

      test("take a conditional PUT: create, then update", async () => {
        const value = randomUUID();
        const entry = (description: string): Entry => ({
          resource: {
            resourceType: "ImagingStudy",
            identifier: [{ system: MRN, value }],
            status: "available",
            subject: { display: "x" },
            description,
          },
          request: { method: "PUT", url: `ImagingStudy?identifier=${MRN}|${value}` },
        });
        expect(statusesOf(await fhir.transaction([entry("one")]))).toEqual([201]);
        expect(statusesOf(await fhir.transaction([entry("two")]))).toEqual([200]);
        const found = await fhir.search(`ImagingStudy?identifier=${MRN}|${value}`);
        expect(found.entry?.map(({ resource }) => resource?.["description"])).toEqual(["two"]);
      });

      test("resolve a conditional reference, and fail when it matches nothing", async () => {
        const { p } = await createPair();
        const s = randomUUID();
        expect(statusesOf(await fhir.transaction([put(study(s, `Patient?identifier=${MRN}|${p}`))]))).toEqual([201]);
        expect((await fhir.send("GET", `/ImagingStudy/${s}`)).body.subject?.reference).toBe(`Patient/${p}`);
        const lost = await fhir.transaction([put(study(randomUUID(), `Patient?identifier=${MRN}|${randomUUID()}`))]);
        expect(lost.status).toBe(404);
      });

      test("refuse two entries for one resource (HAPI: of one fullUrl)", async () => {
        const id = randomUUID();
        expect((await fhir.transaction([put(patient(id)), put(patient(id))])).status).toBe(400);
      });

      test("with a reference to what does not exist or was deleted are 400 on HAPI, and nothing is stored", async () => {
        if (reading() === "strict") return;
        const s = randomUUID();
        expect((await fhir.transaction([put(study(s, `Patient/${randomUUID()}`))])).status).toBe(400);
        const gone = randomUUID();
        await fhir.send("PUT", `/Patient/${gone}`, patient(gone));
        await fhir.send("DELETE", `/Patient/${gone}`);
        expect((await fhir.transaction([put(study(s, `Patient/${gone}`))])).status).toBe(400);
        expect((await fhir.transaction([put(endpoint(`e-${s}`)), put(study(s, `Endpoint/e-${s}`))])).status).toBe(422);
        expect((await fhir.send("GET", `/ImagingStudy/${s}`)).status).toBe(404);
      });

      test("keep a study of 500 instances as it was sent", async () => {
        const s = randomUUID();
        const instance = Array.from({ length: 500 }, (_, i) => ({
          uid: `2.25.9.${i}`,
          sopClass: { system: "urn:ietf:rfc:3986", code: "urn:oid:1.2.840.10008.5.1.4.1.1.2" },
          number: i + 1,
        }));
        const series = [{ uid: "2.25.9", modality: { system: DCM, code: "CT" }, numberOfInstances: 500, instance }];
        expect(statusesOf(await fhir.transaction([put(study(s, undefined, { series }))]))).toEqual([201]);
        expect((await fhir.send("GET", `/ImagingStudy/${s}`)).body["series"]).toEqual(series);
      });
    });

    describe("searches", () => {
      test("by identifier are exact in system and value", async () => {
        const { p } = await createPair();
        const hits = async (query: string): Promise<number> =>
          ((await fhir.search(`Patient?identifier=${query}`)).entry ?? []).length;
        expect(await hits(`${MRN}|${p}`)).toBe(1);
        expect(await hits(`${encodeURIComponent(`${MRN}|${p}`)}`)).toBe(1);
        expect(await hits(p)).toBe(1);
        expect(await hits(`${MRN}|${p.slice(0, -1)}`)).toBe(0);
        expect(await hits(`urn:other|${p}`)).toBe(0);
        expect(await hits(`|${p}`)).toBe(0);
        expect(await hits(`${MRN}|${p},${MRN}|nobody`)).toBe(1);
      });

      test("take escaped commas, bars and dollars as part of the value", async () => {
        const id = randomUUID();
        const value = `a,b|c$d\\${id}`;
        await fhir.send("PUT", `/Patient/${id}`, patient(id, { identifier: [{ system: MRN, value }] }));
        const escaped = value.replace(/[\\,|$]/g, "\\$&");
        const found = await fhir.search(`Patient?identifier=${encodeURIComponent(`${MRN}|${escaped}`)}`);
        expect(found.entry?.map(({ resource }) => resource?.id)).toEqual([id]);
      });

      test("work by _id, patient, subject, endpoint and _tag, and by POST _search", async () => {
        const { p, s } = await createPair();
        const e = `e-${s}`;
        await fhir.transaction([
          put(endpoint(e)),
          put(study(s, `Patient/${p}`, { endpoint: [{ reference: `Endpoint/${e}` }] })),
        ]);
        const tag = `${TAG.system}|${TAG.code}`;
        for (const query of [
          `_id=${s}`,
          `patient=Patient/${p}`,
          `patient=${p}`,
          `subject=Patient/${p}`,
          `endpoint=Endpoint/${e}`,
          `endpoint=${e}`,
          `_id=${s}&_tag=${tag}`,
        ]) {
          const ids = (await fhir.search(`ImagingStudy?${query}`)).entry?.map(({ resource }) => resource?.id);
          expect([query, ids]).toEqual([query, [s]]);
        }
        expect((await fhir.search(`ImagingStudy?_id=${s}&_tag=urn:none|x`)).entry ?? []).toEqual([]);
        const form = await fetch(`${base()}/ImagingStudy/_search`, {
          method: "POST",
          body: new URLSearchParams({ _id: s }),
          headers: { "cache-control": "no-cache" },
        });
        expect(((await form.json()) as { entry: unknown[] }).entry).toHaveLength(1);
      });

      test("page with _count by next links: every resource once, each page no longer than asked", async () => {
        const e = `e-${randomUUID()}`;
        const ids = Array.from({ length: 7 }, () => randomUUID());
        await fhir.transaction([
          put(endpoint(e)),
          ...ids.map((id) => put(study(id, undefined, { endpoint: [{ reference: `Endpoint/${e}` }] }))),
        ]);
        const seen: (string | undefined)[] = [];
        let page = await fhir.search(`ImagingStudy?endpoint=Endpoint/${e}&_count=3`);
        for (let pages = 0; pages < 5; pages += 1) {
          expect((page.entry ?? []).length).toBeLessThanOrEqual(3);
          seen.push(...(page.entry ?? []).map(({ resource }) => resource?.id));
          const next = page.link?.find(({ relation }) => relation === "next");
          if (!next) break;
          page = (await fhir.send("GET", next.url, undefined, { "cache-control": "no-cache" })).body;
        }
        expect(seen.toSorted()).toEqual(ids.toSorted());
      });

      test("with _elements leave other elements out and mark the copy", async () => {
        const { s } = await createPair();
        const { entry } = await fhir.search(`ImagingStudy?_id=${s}&_elements=identifier`);
        const found = entry?.[0]?.resource;
        expect(found?.identifier).toHaveLength(2);
        expect(found?.["series"]).toBeUndefined();
        expect(found?.meta?.tag?.map(({ code }) => code)).toContain("SUBSETTED");
      });

      test("by an unknown parameter are 400", async () => {
        expect((await fhir.send("GET", "/Patient?nonsense=1")).status).toBe(400);
      });

      test("see what was just written when the request says no-cache", async () => {
        const id = randomUUID();
        const query = `/Patient?identifier=${MRN}|${id}`;
        expect((await fhir.send("GET", query)).body.entry ?? []).toEqual([]);
        await fhir.send("PUT", `/Patient/${id}`, patient(id));
        expect((await fhir.send("GET", query, undefined, { "cache-control": "no-cache" })).body.entry).toHaveLength(1);
        // HAPI keeps answering the same search of before, even after that.
        expect(((await fhir.send("GET", query)).body.entry ?? []).length).toBe(reading() === "hapi" ? 0 : 1);
      });
    });

    describe("batches", () => {
      test("answer reads and searches entry by entry, with 404 and 410 for what is not there", async () => {
        const { p, s } = await createPair();
        const gone = randomUUID();
        await fhir.send("PUT", `/Patient/${gone}`, patient(gone));
        await fhir.send("DELETE", `/Patient/${gone}`);
        const get = (url: string): Entry => ({ request: { method: "GET", url } });
        const reply = await fhir.batch(
          [
            get(`ImagingStudy/${s}`),
            get(`Patient?identifier=${MRN}|${p}`),
            get(`Patient/${gone}`),
            get(`Patient/${randomUUID()}`),
            get("Patient?nonsense=1"),
          ],
          { "cache-control": "no-cache" },
        );
        expect([reply.status, ...statusesOf(reply)]).toEqual([200, 200, 200, 410, 404, 400]);
        const [read, found, ...missing] = reply.body.entry ?? [];
        expect(read?.resource?.id).toBe(s);
        expect(found?.resource?.entry?.map(({ resource }) => resource?.id)).toEqual([p]);
        expect(missing.map(({ response }) => response?.outcome?.resourceType)).toEqual(
          Array(3).fill("OperationOutcome"),
        );
      });

      test("carry the no-cache of the outer request to their searches", async () => {
        const id = randomUUID();
        const entry: Entry = { request: { method: "GET", url: `Patient?identifier=${MRN}|${id}` } };
        const hits = (reply: Reply): number => (reply.body.entry?.[0]?.resource?.entry ?? []).length;
        expect(hits(await fhir.batch([entry]))).toBe(0);
        await fhir.send("PUT", `/Patient/${id}`, patient(id));
        expect(hits(await fhir.batch([entry], { "cache-control": "no-cache" }))).toBe(1);
      });

      test("keep the good entries when one fails", async () => {
        const [good, other] = [randomUUID(), randomUUID()];
        await fhir.send("PUT", `/Patient/${other}`, patient(other));
        const reply = await fhir.batch([
          put(patient(other, { gender: "male" }), { ifMatch: 'W/"9"' }),
          put(patient(good)),
        ]);
        expect([reply.status, ...statusesOf(reply)]).toEqual([200, stale(), 201]);
        expect((await fhir.send("GET", `/Patient/${good}`)).status).toBe(200);
      });
    });
  });
}
