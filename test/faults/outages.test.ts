/** Services and Redis that go away for longer than any back-off while studies arrive: nothing is lost, nothing fails, `status` can be read meanwhile. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "./pipeline.ts";

const STUDIES = 120;
const IMAGES = 3;
const OUTAGE_MS = 1800; // more than three times BACKOFF_CAP_MS
const SYNTHETIC = { studies: STUDIES, images: IMAGES, interleave: 10, rate: 100 };

let pipeline: Pipeline;
afterEach(() => pipeline.close());

async function untilAllThere(output: () => string): Promise<void> {
  const { fhir, status } = pipeline;
  await until(
    "every study with all of its images, and nothing pending",
    async () => {
      const counts = [...instancesByStudy(fhir).values()];
      return counts.length === STUDIES && counts.every((n) => n === IMAGES) && (await status()).studies.pending === 0;
    },
    {
      limitMs: 25_000,
      more: async () => `${instancesByStudy(fhir).size} in FHIR ${JSON.stringify(await status())}\n${output()}`,
    },
  );
  expect((await pipeline.status()).studies).toMatchObject({ failed: 0, pending: 0, withRejectedInstances: 0 });
}

test.each(["FHIR", "DICOM"] as const)(
  "%s down for more than three times the longest back-off: nothing is lost, nothing fails, status says what is waited for",
  async (service) => {
    pipeline = await startPipeline({ dicom: { synthetic: SYNTHETIC } });
    const { fhir, status } = pipeline;
    const proxy = service === "FHIR" ? pipeline.fhirProxy : pipeline.dicomProxy;
    const worker = pipeline.worker();
    await until("the first studies", () => fhir.resources("ImagingStudy").length > 5, { more: worker.output });
    proxy.faults([{ effect: { kind: "reset", when: "before" } }]);
    const downAtMs = Date.now();
    await delay(OUTAGE_MS / 2);
    const shown = await pipeline.command(["status", "--json"]);
    expect([shown.code, shown.stderr]).toEqual([0, ""]);
    const ready = await page(worker, "/readyz");
    expect([ready.status, ready.text]).toEqual([503, expect.stringContaining(`${service} s`)]);
    expect((await page(worker, "/livez")).status).toBe(200);
    await delay(Math.max(0, downAtMs + OUTAGE_MS - Date.now()));
    const during = await status();
    expect(during.studies.failed).toBe(0);
    proxy.clear();
    await untilAllThere(worker.output);
    await until("ready again", async () => (await page(worker, "/readyz")).status === 200);
    expect(await worker.stop()).toBe(0);
  },
);

test("Redis killed and started again under load: nothing is lost, nothing fails, the process lives on", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: SYNTHETIC } });
  const { fhir, redis } = pipeline;
  const worker = pipeline.worker();
  await until("the first studies", () => fhir.resources("ImagingStudy").length > 5, { more: worker.output });
  await redis.kill();
  await until("the probe says so", async () => (await page(worker, "/readyz")).text.includes("REDIS_UNAVAILABLE"));
  expect((await page(worker, "/livez")).status).toBe(200);
  await redis.restart();
  await untilAllThere(worker.output);
  expect(await worker.stop()).toBe(0);
});

test("Redis set back by a second under two living workers: nothing is lost, nothing fails", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: SYNTHETIC } });
  const { fhir, redis } = pipeline;
  const workers = [pipeline.worker(), pipeline.worker()];
  const output = () => workers.map((worker) => worker.output()).join("\n");
  await until("the first studies", () => fhir.resources("ImagingStudy").length > 5, { more: output });
  const copy = await redis.copy();
  await delay(1000);
  await redis.rollback(copy);
  await untilAllThere(output);
  expect(await Promise.all(workers.map((worker) => worker.stop()))).toEqual([0, 0]);
});
