import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Entry } from "./exchange.ts";
import { type Contract, MRN, patient, put, statusesOf, uidOf, versionOf } from "./fixtures.ts";

/** Capability statement, lone writes, deletion. */
export function describeWrites(contract: Contract): void {
  describe("capability statement", () => {
    test("names R4 or R5, JSON, transactions, batches and update-as-create", async () => {
      const { status, body } = await contract.fhir.send("GET", "/metadata");
      expect(status).toBe(200);
      expect(body).toMatchObject({
        resourceType: "CapabilityStatement",
        fhirVersion: expect.stringMatching(/^(4\.0\.1|5\.0\.0)$/),
      });
      expect(JSON.stringify(body["format"])).toContain("json");
      const [rest] = body["rest"] as {
        interaction: { code: string }[];
        resource: { type: string; updateCreate?: boolean }[];
      }[];
      expect(rest?.interaction.map(({ code }) => code)).toContain("transaction");
      const types = rest?.resource.filter(({ type }) => ["Patient", "ImagingStudy", "Endpoint"].includes(type));
      expect(types).toHaveLength(3);
      // HAPI takes a PUT of a new id and leaves the member out; only `false` means no.
      const expected = contract.reading === "hapi" ? undefined : true;
      expect(types?.map(({ updateCreate }) => updateCreate)).toEqual([expected, expected, expected]);
    });
  });

  describe("lone writes", () => {
    test("a PUT of a new id creates it with 201 and version 1, and a changed one counts to 2", async () => {
      const id = randomUUID();
      const first = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      expect([first.status, first.headers.get("etag")]).toEqual([201, 'W/"1"']);
      expect(first.headers.get(contract.reading === "hapi" ? "content-location" : "location")).toMatch(
        new RegExp(`^http.*/Patient/${id}/_history/1$`),
      );
      const second = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id, { gender: "other" }));
      expect([second.status, second.headers.get("etag")]).toEqual([200, 'W/"2"']);
      expect((await contract.fhir.send("GET", `/Patient/${id}/_history/1`)).body["gender"]).toBeUndefined();
    });

    test("an unchanged PUT keeps the version on HAPI and makes one in the strict reading", async () => {
      const id = randomUUID();
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      const again = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      expect([again.status, again.headers.get("etag")]).toEqual([200, contract.reading === "hapi" ? 'W/"1"' : 'W/"2"']);
    });

    test("If-Match of the current version is taken, of an older one refused without a write", async () => {
      const id = randomUUID();
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      const fresh = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id, { gender: "male" }), {
        "if-match": 'W/"1"',
      });
      expect(fresh.status).toBe(200);
      const late = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id, { gender: "female" }), {
        "if-match": 'W/"1"',
      });
      expect([late.status, late.body.resourceType]).toEqual([contract.stale, "OperationOutcome"]);
      expect((await contract.fhir.send("GET", `/Patient/${id}`)).body["gender"]).toBe("male");
    });

    test("If-Match on what never existed creates it on HAPI and is refused in the strict reading", async () => {
      const id = randomUUID();
      const reply = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id), { "if-match": 'W/"1"' });
      expect(reply.status).toBe(contract.reading === "hapi" ? 201 : 404);
    });

    test("an id in the body other than in the URL is 400; in a Bundle HAPI takes the URL's", async () => {
      const id = randomUUID();
      expect((await contract.fhir.send("PUT", `/Patient/${id}`, patient(randomUUID()))).status).toBe(400);
      const reply = await contract.fhir.transaction([
        { resource: patient(randomUUID()), request: { method: "PUT", url: `Patient/${id}` } },
      ]);
      if (contract.reading === "hapi") expect(statusesOf(reply)).toEqual([201]);
      else expect(reply.status).toBe(400);
    });

    test("a conditional create answers 201 once, then 200 without a change, and 412 for two matches", async () => {
      const value = randomUUID();
      const person = { resourceType: "Patient", identifier: [{ system: MRN, value }] };
      const condition = { "if-none-exist": `identifier=${MRN}|${value}` };
      const first = await contract.fhir.send("POST", "/Patient", person, condition);
      const second = await contract.fhir.send("POST", "/Patient", { ...person, gender: "male" }, condition);
      expect([first.status, second.status]).toEqual([201, 200]);
      expect(
        (await contract.fhir.search(`Patient?identifier=${MRN}|${value}`)).entry?.map(
          ({ resource }) => resource?.["gender"],
        ),
      ).toEqual([undefined]);
      await contract.fhir.send("POST", "/Patient", person);
      expect((await contract.fhir.send("POST", "/Patient", person, condition)).status).toBe(412);
    });

    test("broken JSON and a missing body are 400, a resource of another type too", async () => {
      const raw = await fetch(`${contract.base}/Patient`, {
        method: "POST",
        headers: { "content-type": "application/fhir+json" },
        body: "{",
      });
      expect(raw.status).toBe(400);
      expect((await contract.fhir.send("PUT", `/Patient/${randomUUID()}`, contract.endpoint("e-1"))).status).toBe(400);
    });
  });

  describe("deletion", () => {
    test("reads answer 410, searches find nothing, a second deletion is fine, a PUT brings it back with 201", async () => {
      const { s } = await contract.createPair();
      const first = await contract.fhir.send("DELETE", `/ImagingStudy/${s}`);
      expect(first.status).toBe(contract.reading === "hapi" ? 200 : 204);
      expect((await contract.fhir.send("GET", `/ImagingStudy/${s}`)).status).toBe(410);
      expect((await contract.fhir.search(`ImagingStudy?identifier=urn:dicom:uid|${uidOf(s)}`)).entry ?? []).toEqual([]);
      expect((await contract.fhir.send("DELETE", `/ImagingStudy/${s}`)).status).toBe(
        contract.reading === "hapi" ? 200 : 204,
      );
      const back = await contract.fhir.send("PUT", `/ImagingStudy/${s}`, contract.study(s, undefined));
      expect(back.status).toBe(201);
      expect((await contract.fhir.search(`ImagingStudy?identifier=urn:dicom:uid|${uidOf(s)}`)).entry).toHaveLength(1);
      expect(Number(await versionOf(contract, `/ImagingStudy/${s}`))).toBeGreaterThan(2);
    });

    test("an If-Match of a version before the deletion is refused", async () => {
      const id = randomUUID();
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      await contract.fhir.send("DELETE", `/Patient/${id}`);
      expect((await contract.fhir.send("PUT", `/Patient/${id}`, patient(id), { "if-match": 'W/"1"' })).status).toBe(
        contract.stale,
      );
      expect((await contract.fhir.send("PUT", `/Patient/${id}`, patient(id), { "if-match": 'W/"2"' })).status).toBe(
        201,
      );
    });

    test("a stale If-Match is ignored by HAPI and refused in the strict reading", async () => {
      const id = randomUUID();
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      const reply = await contract.fhir.send("DELETE", `/Patient/${id}`, undefined, { "if-match": 'W/"9"' });
      expect(reply.status).toBe(contract.reading === "hapi" ? 200 : 412);
    });

    contract.onlyHapi("refuses to delete what is referred to, alone, and takes both in one transaction", async () => {
      const { p, s } = await contract.createPair();
      expect((await contract.fhir.send("DELETE", `/Patient/${p}`)).status).toBe(409);
      expect((await contract.fhir.send("GET", `/Patient/${p}`)).status).toBe(200);
      const both = await contract.fhir.transaction([
        { request: { method: "DELETE", url: `Patient/${p}` } },
        { request: { method: "DELETE", url: `ImagingStudy/${s}` } },
      ]);
      expect([both.status, ...statusesOf(both)]).toEqual([200, 204, 204]);
    });

    test("a deletion in a transaction answers 204, again and of one that never was", async () => {
      const { s } = await contract.createPair();
      const remove = (id: string): Entry => ({ request: { method: "DELETE", url: `ImagingStudy/${id}` } });
      for (const id of [s, s, randomUUID()])
        expect(statusesOf(await contract.fhir.transaction([remove(id)]))).toEqual([204]);
    });

    test("a PUT in a transaction revives with 201", async () => {
      const { s } = await contract.createPair();
      await contract.fhir.send("DELETE", `/ImagingStudy/${s}`);
      expect(statusesOf(await contract.fhir.transaction([put(contract.study(s, undefined))]))).toEqual([201]);
    });
  });
}
