/** One study that always fails beside others that do not; and a worker that has no room. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline.close());

const STUDIES = 40;
const poison = (uid: string, status: number) => ({
  effect: { kind: "status", status, body: "outcome" } as const,
  method: "POST",
  body: `"type":"transaction"[^]*${uid.replaceAll(".", "\\.")}`,
});

test("a study that FHIR always answers with 422 fails with its reason, one with 503 stays pending, the others flow; retry heals", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: STUDIES, images: 2 } } });
  const { dicom, fhir, fhirProxy, status } = pipeline;
  const answer = await fetch(`${dicom.url}/v2/studies?limit=3`, { headers: { accept: "application/dicom+json" } });
  const found = (await answer.json()) as { "0020000D": { Value: string[] } }[];
  const [refused = "", down = ""] = found.map((one) => one["0020000D"].Value[0] ?? "");
  fhirProxy.faults([poison(refused, 422), poison(down, 503)]);
  const worker = pipeline.worker();
  await until(
    "all but two",
    async () => instancesByStudy(fhir).size === STUDIES - 2 && (await status()).studies.failed === 1,
    { more: async () => `${JSON.stringify(await status())}\n${worker.output()}` },
  );
  const held = await status();
  expect(held.studies).toMatchObject({ pending: 1, failed: 1 });
  expect(held.failed).toEqual([
    expect.objectContaining({ study: expect.stringContaining(refused), code: "FHIR_REJECTED" }),
  ]);
  expect(held.failed[0]?.hint).toContain("studycast retry");
  expect(held.pending).toEqual([expect.objectContaining({ study: expect.stringContaining(down) })]);
  expect(held.worker?.pauses ?? []).toEqual([]);

  const early = await pipeline.command(["retry", "--study", refused, "--no-wait"]);
  expect([early.code, early.stderr]).toEqual([0, ""]);
  fhirProxy.clear();
  const retried = await pipeline.command(["retry", "--all"]);
  expect([retried.code, retried.stderr]).toEqual([0, ""]);
  await until("both healed", async () => {
    const { studies } = await status();
    return instancesByStudy(fhir).size === STUDIES && studies.pending === 0 && studies.failed === 0;
  });
  expect((await status()).failed).toEqual([]);
  expect(await worker.stop()).toBe(0);
});

test("with few places for pending studies the feed waits, says so, and goes on; nothing is lost", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 100, images: 2 } } });
  const { fhir, fhirProxy, status } = pipeline;
  fhirProxy.faults([{ effect: { kind: "hold", name: "write", when: "before" }, method: "POST", body: "transaction" }]);
  const worker = pipeline.worker({
    PENDING_MAX: "20",
    LOW_PENDING_MAX: "20",
    FEED_PAGE_SIZE: "10",
    FEED_READ_AHEAD: "1",
  });
  await until("it is full", async () => (await status()).studies.pending >= 20, { more: worker.output });
  await until("it says so", async () => (await status()).feed.state === "backpressure", {
    limitMs: 8000,
    more: async () => JSON.stringify(await status()),
  });
  expect((await status()).studies.pending).toBeLessThan(80);
  fhirProxy.clear();
  await until("all", async () => instancesByStudy(fhir).size === 100 && (await status()).studies.pending === 0, {
    more: async () => `${JSON.stringify(await status())}\n${worker.output()}`,
  });
  expect((await status()).studies.failed).toBe(0);
  expect(await worker.stop()).toBe(0);
});

test("with a small maxmemory the feed waits before Redis is full; a Redis that is full all the same loses nothing either", async () => {
  pipeline = await startPipeline({
    dicom: { synthetic: { studies: 400, images: 1 } },
    redis: ["--maxmemory", "6mb"],
  });
  const { fhir, fhirProxy, redis, status } = pipeline;
  fhirProxy.faults([{ effect: { kind: "status", status: 503 }, method: "POST" }]);
  const worker = pipeline.worker({
    LOW_PENDING_MAX: "100000",
    REDIS_MEMORY_MAX_PERCENT: "35",
    FEED_PAGE_SIZE: "50",
    FEED_READ_AHEAD: "1",
  });
  const more = async () => `${fhir.resources("ImagingStudy").length} ${JSON.stringify(await status())}`;
  await until("it waits and says so", async () => (await status()).feed.state === "backpressure", { more });
  const { pending } = (await status()).studies;
  expect(pending).toBeGreaterThan(0);
  expect(pending).toBeLessThan(400);
  await redis.redis.config("SET", "maxmemory", "1");
  await delay(1000);
  expect((await page(worker, "/livez")).status).toBe(200);
  await redis.redis.config("SET", "maxmemory", "0");
  fhirProxy.clear();
  await until(
    "all",
    async () => fhir.resources("ImagingStudy").length === 400 && (await status()).studies.pending === 0,
    { limitMs: 40_000, more },
  );
  expect((await status()).studies.failed).toBe(0);
  expect(await worker.stop()).toBe(0);
}, 80_000);
