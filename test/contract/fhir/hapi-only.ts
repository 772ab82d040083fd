import { randomUUID } from "node:crypto";
import { describe, expect } from "@jest/globals";
import type { Entry } from "./exchange.ts";
import { type Contract, MRN, patient, put, statusesOf, TAG } from "./fixtures.ts";

/** What HAPI does and FHIR does not ask for; nothing may rely on it, and the emulator's switch shows it. */
export function describeHapiOnly(contract: Contract): void {
  describe("what only HAPI does", () => {
    contract.onlyHapi("tags left out of an update stay, and make no new version", async () => {
      const id = randomUUID();
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id, { meta: { tag: [TAG] } }));
      const without = await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      expect(without.headers.get("etag")).toBe('W/"1"');
      expect((await contract.fhir.send("GET", `/Patient/${id}`)).body.meta?.tag).toEqual([TAG]);
      const another = { ...TAG, code: "another" };
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id, { meta: { tag: [another] } }));
      const { meta } = (await contract.fhir.send("GET", `/Patient/${id}`)).body;
      expect([meta?.versionId, meta?.tag?.map(({ code }) => code).toSorted()]).toEqual(["2", ["another", TAG.code]]);
    });

    contract.onlyHapi("a bare version is taken as ifMatch, a new id of digits only refused", async () => {
      const { p } = await contract.createPair();
      const changed = put(patient(p, { gender: "male" }), { ifMatch: "1" });
      expect(statusesOf(await contract.fhir.transaction([changed]))).toEqual([200]);
      expect((await contract.fhir.transaction([put(patient(String(Date.now())))])).status).toBe(400);
    });

    contract.onlyHapi("conditions on a deletion and If-None-Match are ignored", async () => {
      const { p, s } = await contract.createPair();
      const study9: Entry = { request: { method: "DELETE", url: `ImagingStudy/${s}`, ifMatch: 'W/"9"' } };
      expect(statusesOf(await contract.fhir.transaction([study9]))).toEqual([204]);
      const again = await contract.fhir.send("PUT", `/Patient/${p}`, patient(p, { gender: "male" }), {
        "if-none-match": "*",
      });
      expect(again.status).toBe(200);
    });

    contract.onlyHapi("ifMatch on an id that does not exist creates it in a transaction", async () => {
      const reply = await contract.fhir.transaction([put(patient(randomUUID()), { ifMatch: 'W/"3"' })]);
      expect(statusesOf(reply)).toEqual([201]);
    });

    contract.onlyHapi("two equal conditional creates get one answer", async () => {
      const value = randomUUID();
      const entry = (urn: string): Entry => ({
        fullUrl: urn,
        resource: { resourceType: "Patient", identifier: [{ system: MRN, value }] },
        request: { method: "POST", url: "Patient", ifNoneExist: `identifier=${MRN}|${value}` },
      });
      const reply = await contract.fhir.transaction([
        entry(`urn:uuid:${randomUUID()}`),
        entry(`urn:uuid:${randomUUID()}`),
      ]);
      expect([reply.status, reply.body.entry?.length]).toEqual([200, 1]);
      expect((await contract.fhir.search(`Patient?identifier=${MRN}|${value}`)).entry).toHaveLength(1);
    });

    contract.onlyHapi("two PUTs of one id under two fullUrls are not refused", async () => {
      const id = randomUUID();
      const twice = [patient(id), patient(id, { gender: "male" })].map((resource) => ({
        ...put(resource),
        fullUrl: `urn:uuid:${randomUUID()}`,
      }));
      expect((await contract.fhir.transaction(twice)).status).toBe(200);
    });

    contract.onlyHapi("a placeholder that no entry has, or in another letter case, is 400", async () => {
      const urn = `urn:uuid:${randomUUID()}`;
      const alone = randomUUID();
      expect((await contract.fhir.send("PUT", `/ImagingStudy/${alone}`, contract.study(alone, urn))).status).toBe(400);
      expect((await contract.fhir.transaction([put(contract.study(randomUUID(), urn))])).status).toBe(400);
      const person = { ...put(patient(randomUUID())), fullUrl: urn };
      const upper = urn.replace(/[0-9a-f-]{36}$/, (id) => id.toUpperCase());
      expect((await contract.fhir.transaction([person, put(contract.study(randomUUID(), upper))])).status).toBe(400);
    });

    contract.onlyHapi("an absolute reference to another server is 400", async () => {
      const far = "http://contract.fhir.example.org/Patient/1";
      expect((await contract.fhir.transaction([put(contract.study(randomUUID(), far))])).status).toBe(400);
    });

    contract.onlyHapi("write answers hold the resource in a Bundle only when asked for", async () => {
      const entries = (): Entry[] => [put(patient(randomUUID()))];
      const plain = await contract.fhir.transaction(entries());
      const full = await contract.fhir.transaction(entries(), { prefer: "return=representation" });
      expect(plain.body.entry?.[0]?.resource).toBeUndefined();
      expect(full.body.entry?.[0]?.resource?.resourceType).toBe("Patient");
    });

    contract.onlyHapi(
      "a conditional create does not see a deleted Patient and does not use the search cache",
      async () => {
        const { p, s } = await contract.createPair();
        await contract.fhir.send("DELETE", `/ImagingStudy/${s}`);
        await contract.fhir.send("DELETE", `/Patient/${p}`);
        const person = { resourceType: "Patient", identifier: [{ system: MRN, value: p }] };
        const condition = { "if-none-exist": `identifier=${MRN}|${p}` };
        expect((await contract.fhir.send("POST", "/Patient", person, condition)).status).toBe(201);
        expect((await contract.fhir.send("POST", "/Patient", person, condition)).status).toBe(200);
      },
    );
  });
}
