import { randomUUID } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { type Contract, MRN, patient, put, TAG } from "./fixtures.ts";

/** Searches. */
export function describeSearches(contract: Contract): void {
  describe("searches", () => {
    test("by identifier are exact in system and value", async () => {
      const { p } = await contract.createPair();
      const hits = async (query: string): Promise<number> =>
        ((await contract.fhir.search(`Patient?identifier=${query}`)).entry ?? []).length;
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
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id, { identifier: [{ system: MRN, value }] }));
      const escaped = value.replace(/[\\,|$]/g, "\\$&");
      const found = await contract.fhir.search(`Patient?identifier=${encodeURIComponent(`${MRN}|${escaped}`)}`);
      expect(found.entry?.map(({ resource }) => resource?.id)).toEqual([id]);
    });

    test("work by _id, patient, subject, endpoint and _tag, and by POST _search", async () => {
      const { p, s } = await contract.createPair();
      const e = `e-${s}`;
      await contract.fhir.transaction([
        put(contract.endpoint(e)),
        put(contract.study(s, `Patient/${p}`, { endpoint: [{ reference: `Endpoint/${e}` }] })),
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
        const ids = (await contract.fhir.search(`ImagingStudy?${query}`)).entry?.map(({ resource }) => resource?.id);
        expect([query, ids]).toEqual([query, [s]]);
      }
      expect((await contract.fhir.search(`ImagingStudy?_id=${s}&_tag=urn:none|x`)).entry ?? []).toEqual([]);
      const form = await fetch(`${contract.base}/ImagingStudy/_search`, {
        method: "POST",
        body: new URLSearchParams({ _id: s }),
        headers: { "cache-control": "no-cache" },
      });
      expect(((await form.json()) as { entry: unknown[] }).entry).toHaveLength(1);
    });

    test("page with _count by next links: every resource once, each page no longer than asked", async () => {
      const e = `e-${randomUUID()}`;
      const ids = Array.from({ length: 7 }, () => randomUUID());
      await contract.fhir.transaction([
        put(contract.endpoint(e)),
        ...ids.map((id) => put(contract.study(id, undefined, { endpoint: [{ reference: `Endpoint/${e}` }] }))),
      ]);
      const seen: (string | undefined)[] = [];
      let page = await contract.fhir.search(`ImagingStudy?endpoint=Endpoint/${e}&_count=3`);
      for (let pages = 0; pages < 5; pages += 1) {
        expect((page.entry ?? []).length).toBeLessThanOrEqual(3);
        seen.push(...(page.entry ?? []).map(({ resource }) => resource?.id));
        const next = page.link?.find(({ relation }) => relation === "next");
        if (!next) break;
        page = (await contract.fhir.send("GET", next.url, undefined, { "cache-control": "no-cache" })).body;
      }
      expect(seen.toSorted()).toEqual(ids.toSorted());
    });

    test("with _elements leave other elements out and mark the copy", async () => {
      const { s } = await contract.createPair();
      const { entry } = await contract.fhir.search(`ImagingStudy?_id=${s}&_elements=identifier`);
      const found = entry?.[0]?.resource;
      expect(found?.identifier).toHaveLength(2);
      expect(found?.["series"]).toBeUndefined();
      expect(found?.meta?.tag?.map(({ code }) => code)).toContain("SUBSETTED");
    });

    test("by an unknown parameter are 400", async () => {
      expect((await contract.fhir.send("GET", "/Patient?nonsense=1")).status).toBe(400);
    });

    test("see what was just written when the request says no-cache", async () => {
      const id = randomUUID();
      const query = `/Patient?identifier=${MRN}|${id}`;
      expect((await contract.fhir.send("GET", query)).body.entry ?? []).toEqual([]);
      await contract.fhir.send("PUT", `/Patient/${id}`, patient(id));
      expect(
        (await contract.fhir.send("GET", query, undefined, { "cache-control": "no-cache" })).body.entry,
      ).toHaveLength(1);
      // HAPI keeps answering the same search of before, even after that.
      expect(((await contract.fhir.send("GET", query)).body.entry ?? []).length).toBe(
        contract.reading === "hapi" ? 0 : 1,
      );
    });
  });
}
