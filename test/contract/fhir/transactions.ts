import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Entry, Reply } from "./exchange.ts";
import { type Contract, MRN, patient, put, statusesOf, versionOf } from "./fixtures.ts";

/** Transactions and batches. */
export function describeTransactions(contract: Contract): void {
  describe("transactions", () => {
    test("answer in the order of the request, with location and etag per entry", async () => {
      const [p, s] = [randomUUID(), randomUUID()];
      const reply = await contract.fhir.transaction([put(contract.study(s, `Patient/${p}`)), put(patient(p))]);
      const responses = reply.body.entry?.map(({ response }) => response);
      expect(responses?.[0]?.location).toContain(`ImagingStudy/${s}/_history/1`);
      expect(responses?.[1]?.location).toContain(`Patient/${p}/_history/1`);
      expect(responses?.[0]?.etag).toBe(contract.reading === "hapi" ? "1" : 'W/"1"');
    });

    test("are atomic: one stale ifMatch and nothing of the Bundle is stored", async () => {
      const { p, s } = await contract.createPair();
      const fresh = randomUUID();
      const reply = await contract.fhir.transaction([
        put(patient(fresh)),
        put(patient(p, { gender: "male" })),
        put(contract.study(s, `Patient/${p}`, { description: "late" }), { ifMatch: 'W/"7"' }),
      ]);
      expect([reply.status, reply.body.resourceType]).toEqual([contract.stale, "OperationOutcome"]);
      expect((await contract.fhir.send("GET", `/Patient/${fresh}`)).status).toBe(404);
      expect((await contract.fhir.send("GET", `/Patient/${p}`)).body["gender"]).toBeUndefined();
      expect((await contract.fhir.search(`Patient?identifier=${MRN}|${fresh}`)).entry ?? []).toEqual([]);
      expect(await versionOf(contract, `/ImagingStudy/${s}`)).toBe("1");
    });

    test("take ifMatch of the current version", async () => {
      const { p, s } = await contract.createPair();
      const changed = contract.study(s, `Patient/${p}`, { description: "new" });
      expect(statusesOf(await contract.fhir.transaction([put(changed, { ifMatch: 'W/"1"' })]))).toEqual([200]);
      expect(await versionOf(contract, `/ImagingStudy/${s}`)).toBe("2");
    });

    test("of unchanged content store nothing new on HAPI", async () => {
      const { p, s } = await contract.createPair();
      const reply = await contract.fhir.transaction([put(patient(p)), put(contract.study(s, `Patient/${p}`))]);
      expect(statusesOf(reply)).toEqual([200, 200]);
      expect(await versionOf(contract, `/ImagingStudy/${s}`)).toBe(contract.reading === "hapi" ? "1" : "2");
    });

    test("rewrite a fullUrl in references and never in identifiers", async () => {
      const [value, s] = [randomUUID(), randomUUID()];
      const urn = `urn:uuid:${randomUUID()}`;
      const reply = await contract.fhir.transaction([
        {
          fullUrl: urn,
          resource: { resourceType: "Patient", identifier: [{ system: MRN, value }] },
          request: { method: "POST", url: "Patient", ifNoneExist: `identifier=${MRN}|${value}` },
        },
        put(contract.study(s, urn)),
      ]);
      expect([reply.status, ...statusesOf(reply)]).toEqual([200, 201, 201]);
      const { body } = await contract.fhir.send("GET", `/ImagingStudy/${s}`);
      expect(body.subject?.reference).toMatch(/^Patient\/[^/]+$/);
      expect(body.identifier?.[1]?.value).toBe(`urn:uuid:${s}`);
      expect((await contract.fhir.send("GET", `/${body.subject?.reference}`)).body.identifier?.[0]?.value).toBe(value);
    });

    test("find the existing resource of a conditional create and point references to it", async () => {
      const { p } = await contract.createPair();
      const s = randomUUID();
      const urn = `urn:uuid:${randomUUID()}`;
      const reply = await contract.fhir.transaction([
        {
          fullUrl: urn,
          resource: { resourceType: "Patient", identifier: [{ system: MRN, value: p }] },
          request: { method: "POST", url: "Patient", ifNoneExist: `identifier=${MRN}|${p}` },
        },
        put(contract.study(s, urn)),
      ]);
      expect(statusesOf(reply)).toEqual([200, 201]);
      expect((await contract.fhir.send("GET", `/ImagingStudy/${s}`)).body.subject?.reference).toBe(`Patient/${p}`);
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
      expect(statusesOf(await contract.fhir.transaction([entry("one")]))).toEqual([201]);
      expect(statusesOf(await contract.fhir.transaction([entry("two")]))).toEqual([200]);
      const found = await contract.fhir.search(`ImagingStudy?identifier=${MRN}|${value}`);
      expect(found.entry?.map(({ resource }) => resource?.["description"])).toEqual(["two"]);
    });

    test("resolve a conditional reference, and fail when it matches nothing", async () => {
      const { p } = await contract.createPair();
      const s = randomUUID();
      expect(
        statusesOf(await contract.fhir.transaction([put(contract.study(s, `Patient?identifier=${MRN}|${p}`))])),
      ).toEqual([201]);
      expect((await contract.fhir.send("GET", `/ImagingStudy/${s}`)).body.subject?.reference).toBe(`Patient/${p}`);
      const lost = await contract.fhir.transaction([
        put(contract.study(randomUUID(), `Patient?identifier=${MRN}|${randomUUID()}`)),
      ]);
      expect(lost.status).toBe(404);
    });

    test("refuse two entries for one resource (HAPI: of one fullUrl)", async () => {
      const id = randomUUID();
      expect((await contract.fhir.transaction([put(patient(id)), put(patient(id))])).status).toBe(400);
    });

    contract.onlyHapi(
      "with a reference to what does not exist or was deleted are 400, and nothing is stored",
      async () => {
        const s = randomUUID();
        expect((await contract.fhir.transaction([put(contract.study(s, `Patient/${randomUUID()}`))])).status).toBe(400);
        const gone = randomUUID();
        await contract.fhir.send("PUT", `/Patient/${gone}`, patient(gone));
        await contract.fhir.send("DELETE", `/Patient/${gone}`);
        expect((await contract.fhir.transaction([put(contract.study(s, `Patient/${gone}`))])).status).toBe(400);
        expect(
          (
            await contract.fhir.transaction([
              put(contract.endpoint(`e-${s}`)),
              put(contract.study(s, `Endpoint/e-${s}`)),
            ])
          ).status,
        ).toBe(422);
        expect((await contract.fhir.send("GET", `/ImagingStudy/${s}`)).status).toBe(404);
      },
    );

    test("keep a study of 500 instances as it was sent", async () => {
      const s = randomUUID();
      const instance = Array.from({ length: 500 }, (_, i) => ({
        uid: `2.25.9.${i}`,
        sopClass: { system: "urn:ietf:rfc:3986", code: "urn:oid:1.2.840.10008.5.1.4.1.1.2" },
        number: i + 1,
      }));
      const series = [contract.series({ uid: "2.25.9", numberOfInstances: 500, instance })];
      expect(statusesOf(await contract.fhir.transaction([put(contract.study(s, undefined, { series }))]))).toEqual([
        201,
      ]);
      expect((await contract.fhir.send("GET", `/ImagingStudy/${s}`)).body["series"]).toEqual(series);
    });
  });

  describe("batches", () => {
    test("answer reads and searches entry by entry, with 404 and 410 for what is not there", async () => {
      const { p, s } = await contract.createPair();
      const gone = randomUUID();
      await contract.fhir.send("PUT", `/Patient/${gone}`, patient(gone));
      await contract.fhir.send("DELETE", `/Patient/${gone}`);
      const get = (url: string): Entry => ({ request: { method: "GET", url } });
      const reply = await contract.fhir.batch(
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
      expect(missing.map(({ response }) => response?.outcome?.resourceType)).toEqual(Array(3).fill("OperationOutcome"));
    });

    test("carry the no-cache of the outer request to their searches", async () => {
      const id = randomUUID();
      const entry: Entry = { request: { method: "GET", url: `Patient?identifier=${MRN}|${id}` } };
      const hits = (reply: Reply): number => (reply.body.entry?.[0]?.resource?.entry ?? []).length;
      expect(hits(await contract.fhir.batch([entry]))).toBe(0);
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      expect(hits(await contract.fhir.batch([entry], { "cache-control": "no-cache" }))).toBe(1);
    });

    test("keep the good entries when one fails", async () => {
      const [good, other] = [randomUUID(), randomUUID()];
      await contract.fhir.send("PUT", `/Patient/${other}`, patient(other));
      const reply = await contract.fhir.batch([
        put(patient(other, { gender: "male" }), { ifMatch: 'W/"9"' }),
        put(patient(good)),
      ]);
      expect([reply.status, ...statusesOf(reply)]).toEqual([200, contract.stale, 201]);
      expect((await contract.fhir.send("GET", `/Patient/${good}`)).status).toBe(200);
    });
  });
}
