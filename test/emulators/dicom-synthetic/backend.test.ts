import { describe, expect, test } from "@jest/globals";
import { createSyntheticBackend } from "../../../emulators/dicom/synthetic.ts";
import { firstTick, lastTick } from "../../../emulators/dicom/ticks.ts";

const partition = "Microsoft.Default";
const all = { partition };
type Json = Record<string, { vr: string; Value?: unknown[] }>;

function elements(dataset: Json): number {
  return Object.values(dataset).reduce((sum, { vr, Value = [] }) => {
    const nested = vr === "SQ" ? Value.reduce((n: number, item) => n + elements(item as Json), 0) : 0;
    return sum + 1 + nested;
  }, 0);
}

describe("a synthetic DICOM service", () => {
  test("a feed of 1,000,000 entries reads the same in pages from either end, without being held", () => {
    const backend = createSyntheticBackend({ studies: 10_000, images: 100, series: 3, interleave: 7 });
    expect(backend.latest("sequence")?.sequence).toBe(1_000_000);
    expect(backend.version(all)).toEqual({ watermark: 1_000_000, count: 1_000_000 });
    expect(backend.feedBySequence(999_990, 2_000_000).map((entry) => entry.sequence)).toEqual(
      Array.from({ length: 10 }, (_, i) => 999_991 + i),
    );
    const page = backend.feedBySequence(500_000, 500_100);
    expect(page).toHaveLength(100);
    expect(new Set(page.map((entry) => entry.instance)).size).toBe(100);
    expect(backend.feedBySequence(1_000_000, 1_000_100)).toEqual([]);
  });

  test("a second service with the same options tells the same feed and the same metadata", () => {
    const options = { studies: 50, images: 20, series: 2, interleave: 5 };
    const [one, two] = [createSyntheticBackend(options), createSyntheticBackend(options)];
    const read = (backend: typeof one): unknown[] =>
      backend
        .feedBySequence(0, 1000)
        .map(({ current, ...entry }) => [{ ...entry, timestamp: String(entry.timestamp) }, current?.json()]);
    expect(read(one)).toEqual(read(two));
  });

  test("timestamps grow with the sequence and a time window finds exactly its entries", () => {
    const backend = createSyntheticBackend({ studies: 20, images: 10 });
    const entries = backend.feedByTime(firstTick, lastTick, 0, 200);
    expect(entries.map((entry) => entry.sequence)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    for (const [i, entry] of entries.entries()) {
      expect(i === 0 || entry.timestamp > (entries[i - 1]?.timestamp ?? 0n)).toBe(true);
    }
    const [start, end] = [entries[30]?.timestamp ?? 0n, entries[60]?.timestamp ?? 0n];
    expect(backend.feedByTime(start, end, 0, 200).map((entry) => entry.sequence)).toEqual(
      entries.slice(30, 60).map((entry) => entry.sequence),
    );
    expect(backend.feedByTime(start, end, 25, 200).map((entry) => entry.sequence)).toEqual([56, 57, 58, 59, 60]);
    expect(backend.feedByTime(start, end, 0, 3).map((entry) => entry.sequence)).toEqual([31, 32, 33]);
  });

  test("studies, series and instances agree with the feed, newest first", () => {
    const backend = createSyntheticBackend({ studies: 5, images: 7, series: 3, interleave: 2 });
    const feed = backend.feedBySequence(0, 100);
    expect([...backend.instances(all)].map((one) => one.instance)).toEqual(
      feed.map((entry) => entry.instance).reverse(),
    );
    const studies = [...backend.studies(all)];
    expect(new Set(studies.map((one) => one.study))).toEqual(new Set(feed.map((entry) => entry.study)));
    for (const { study, instanceCount } of studies) {
      const own = feed.filter((entry) => entry.study === study);
      expect(instanceCount).toBe(own.length);
      expect(backend.version({ partition, study })).toEqual({ watermark: own.at(-1)?.sequence, count: own.length });
      const instances = [...backend.instances({ partition, study })];
      expect(instances.map((one) => one.watermark)).toEqual(own.map((entry) => entry.sequence).reverse());
      const series = [...backend.series({ partition, study })];
      expect(series.map((one) => one.series).reverse()).toEqual([...new Set(own.map((entry) => entry.series))]);
      expect(series.reduce((sum, one) => sum + one.instanceCount, 0)).toBe(own.length);
      for (const { series: uid = "" } of series) {
        const inSeries = own.filter((entry) => entry.series === uid).map((entry) => entry.instance);
        expect([...backend.instances({ partition, study, series: uid })].map((one) => one.instance).reverse()).toEqual(
          inSeries,
        );
      }
    }
  });

  test("what does not belong together, or is not there, is not found", () => {
    const backend = createSyntheticBackend({ studies: 3, images: 4, series: 2 });
    const [first, other] = [backend.feedBySequence(0, 1)[0], backend.feedBySequence(8, 9)[0]];
    const { study = "", series = "", instance = "" } = first ?? {};
    expect(backend.version({ partition, study, series, instance })).toEqual({ watermark: 1, count: 1 });
    expect(backend.version({ partition: "other", study })).toBeUndefined();
    expect(backend.version({ partition, study: "1.2.3" })).toBeUndefined();
    expect(backend.version({ partition, study, series: other?.series ?? "" })).toBeUndefined();
    const last = backend.feedBySequence(3, 4)[0];
    expect(backend.version({ partition, study, series, instance: last?.instance ?? "" })).toBeUndefined();
    expect([...backend.instances({ partition: "other" })]).toEqual([]);
    expect(backend.writer).toBeUndefined();
  });

  test("metadata look like a CT's: 150 elements or more, about 6 kB, ASCII, in tag order, with the UIDs of the feed", () => {
    const backend = createSyntheticBackend({ studies: 40, images: 30, series: 3 });
    const texts = new Set<string>();
    for (const { study, series, instance, current } of backend.feedBySequence(0, 1200)) {
      const text = current?.json() ?? "";
      texts.add(text);
      const dataset = JSON.parse(text) as Json;
      expect([dataset["0020000D"]?.Value, dataset["0020000E"]?.Value, dataset["00080018"]?.Value]).toEqual([
        [study],
        [series],
        [instance],
      ]);
      expect(Object.keys(dataset)).toEqual(Object.keys(dataset).sort());
      expect(elements(dataset)).toBeGreaterThanOrEqual(150);
      expect(Buffer.byteLength(text)).toBe(text.length);
      expect(text.length > 5500 && text.length < 7000).toBe(true);
      expect(text).not.toContain("@");
      expect(text).not.toContain("undefined");
    }
    expect(texts.size).toBe(1200);
  });

  test("values of one level are the same all over that level", () => {
    const backend = createSyntheticBackend({ studies: 3, images: 12, series: 3, interleave: 3 });
    const datasets = [...backend.instances(all)].map((one) => JSON.parse(one.json()) as Json);
    const distinct = (by: string, tags: string[]): number =>
      new Set(datasets.map((dataset) => JSON.stringify([by, ...tags].map((tag) => dataset[tag])))).size;
    expect(
      distinct("0020000D", ["00100010", "00100020", "00080020", "00080030", "00080050", "00081030", "00200052"]),
    ).toBe(3);
    expect(distinct("0020000E", ["00080031", "0008103E", "00200011", "00080060"])).toBe(9);
    expect(distinct("0020000E", ["00200013"])).toBe(36);
  });

  test("with a rate the feed grows by the clock, and a study shows only the images that arrived", () => {
    let now = 1_800_000_000_000;
    const backend = createSyntheticBackend(
      { studies: 1, images: 1000, series: 2, rate: 1000 / 60, delay: 1 },
      () => now,
    );
    expect(backend.latest("time")).toBeUndefined();
    expect([...backend.studies(all)]).toEqual([]);
    now += 31_000;
    const latest = backend.latest("time");
    expect(latest?.sequence).toBe(500);
    const study = latest?.study ?? "";
    expect([...backend.instances({ partition, study })]).toHaveLength(500);
    expect(backend.version({ partition, study })).toEqual({ watermark: 500, count: 500 });
    expect([...backend.series({ partition, study })].map((one) => one.instanceCount)).toEqual([500]);
    expect(backend.feedBySequence(490, 600)).toHaveLength(10);
    now += 30_000;
    expect(backend.latest("sequence")?.sequence).toBe(1000);
    expect([...backend.series({ partition, study })].map((one) => one.instanceCount)).toEqual([500, 500]);
    now += 60_000;
    expect(backend.version({ partition, study })?.count).toBe(1000);
  });
});
