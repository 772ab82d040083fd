import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../../emulators/dicom/index.ts";

type Entry = { sequence: number; studyInstanceUid: string; sopInstanceUid: string };
const accept = { headers: { Accept: "application/dicom+json" } };
let emulator: DicomEmulator;
beforeAll(async () => {
  emulator = await startDicomEmulator({ synthetic: { studies: 1000, images: 1000, series: 4 } });
});
afterAll(() => emulator.close());

describe("a synthetic service over HTTP", () => {
  test("a window at the end of a million entries is served, with and without metadata", async () => {
    for (const includeMetadata of [false, true]) {
      const response = await fetch(
        `${emulator.url}/v1/changefeed?offset=999950&limit=100&includeMetadata=${includeMetadata}`,
      );
      const entries = (await response.json()) as (Entry & { metadata?: object })[];
      expect(entries.map((entry) => entry.sequence)).toEqual(Array.from({ length: 50 }, (_, i) => 999_951 + i));
      expect(entries.filter((entry) => entry.metadata !== undefined)).toHaveLength(includeMetadata ? 50 : 0);
    }
  });

  test("a study's metadata hold the instances of its entries", async () => {
    const page = await fetch(`${emulator.url}/v1/changefeed?offset=5000&limit=100&includeMetadata=false`);
    const entries = (await page.json()) as Entry[];
    const study = entries[0]?.studyInstanceUid;
    const response = await fetch(`${emulator.url}/v2/studies/${study}/metadata`, accept);
    expect(response.headers.get("etag")).toBe("6000-1000");
    const datasets = (await response.json()) as Record<string, { Value: string[] }>[];
    const uids = new Set(datasets.map((dataset) => dataset["00080018"]?.Value[0]));
    expect(uids.size).toBe(1000);
    expect(entries.filter((entry) => !uids.has(entry.sopInstanceUid))).toEqual([]);
  });

  test("a client that reads slowly, or goes away, does not make the server hold the study", async () => {
    const big = await startDicomEmulator({ synthetic: { studies: 1, images: 100_000 } });
    try {
      const latest = (await (await fetch(`${big.url}/v1/changefeed/latest?includeMetadata=false`)).json()) as Entry;
      const before = process.memoryUsage().rss;
      const response = await fetch(`${big.url}/v2/studies/${latest.studyInstanceUid}/metadata`, accept);
      const reader = response.body?.getReader();
      await reader?.read();
      await new Promise((resolve) => setTimeout(resolve, 1000)); // 600 MB would be made in this time without back-pressure
      expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
      await reader?.cancel();
    } finally {
      await big.close();
    }
  });

  test("storing and deleting are not allowed", async () => {
    const stored = await fetch(`${emulator.url}/v2/studies`, {
      method: "POST",
      body: "x",
      headers: { "Content-Type": "application/dicom", ...accept.headers },
    });
    expect(stored.status).toBe(405);
  });
});
