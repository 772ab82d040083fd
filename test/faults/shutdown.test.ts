/** The process ends by itself when it is told to, whatever hangs; nothing is lost, and the next process finishes the work. */
import { afterEach, expect, test } from "@jest/globals";
import { instancesByStudy, type Pipeline, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline.close());

const STUDIES = 150;
/** While nobody knows whether FHIR has their one scanner, one study is looked up at a time. */
const MANY_AT_ONCE = { DEVICE_POLICY: "logical" };
const begin = async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: STUDIES, images: 2 } } });
  return pipeline;
};
const timed = async <T>(what: Promise<T>): Promise<[T, number]> => {
  const startMs = Date.now();
  return [await what, Date.now() - startMs];
};
const finish = async () => {
  const worker = pipeline.worker();
  await until(
    "the next process finishes the work",
    async () => instancesByStudy(pipeline.fhir).size === STUDIES && (await pipeline.status()).studies.pending === 0,
    { more: async () => `${JSON.stringify(await pipeline.status())}\n${worker.output()}` },
  );
  expect((await pipeline.status()).studies.failed).toBe(0);
  expect(await worker.stop()).toBe(0);
};

test("SIGTERM under load: exit 0 within 10 s, nothing half done, nothing lost", async () => {
  const { fhir, fhirProxy } = await begin();
  fhirProxy.setLatency(30);
  const worker = pipeline.worker();
  await until("load", () => fhir.resources("ImagingStudy").length > 10, { more: worker.output });
  const [code, tookMs] = await timed(worker.stop());
  expect([code, worker.output()]).toEqual([0, expect.not.stringMatching(/"level":"?(50|60|error|fatal)/)]);
  expect(tookMs).toBeLessThan(10_000);
  expect(fhirProxy.counts().inFlight).toBe(0);
  expect(instancesByStudy(fhir).size).toBeLessThan(STUDIES);
  fhirProxy.setLatency(0);
  await finish();
});

test("SIGTERM while FHIR hangs: the process ends by itself within 10 s, nothing is lost", async () => {
  const { fhirProxy } = await begin();
  fhirProxy.faults([{ effect: { kind: "hold", name: "hang", when: "before" }, method: "POST" }]);
  const worker = pipeline.worker({ SHUTDOWN_MS: "2000", ...MANY_AT_ONCE });
  await fhirProxy.whenHeld("hang", AbortSignal.timeout(15_000), 4);
  const [code, tookMs] = await timed(worker.stop());
  expect([code, tookMs < 10_000]).toEqual([0, true]);
  fhirProxy.clear();
  await finish();
});

test("SIGTERM while Redis is dead: the process ends by itself within 10 s, nothing is lost", async () => {
  const { fhir, redis } = await begin();
  const worker = pipeline.worker({ SHUTDOWN_MS: "2000" });
  await until("load", () => fhir.resources("ImagingStudy").length > 5, { more: worker.output });
  await redis.kill();
  const [code, tookMs] = await timed(worker.stop());
  expect([code, tookMs < 10_000]).toEqual([0, true]);
  await redis.restart();
  await finish();
});

test("SIGTERM while Redis is frozen (connections open, no answer): the process ends by itself", async () => {
  const { fhir, redis } = await begin();
  const worker = pipeline.worker({ SHUTDOWN_MS: "2000" });
  await until("load", () => fhir.resources("ImagingStudy").length > 5, { more: worker.output });
  redis.freeze();
  const [code, tookMs] = await timed(worker.stop());
  redis.thaw();
  expect([code, tookMs < 15_000]).toEqual([0, true]);
  await finish();
});

test("a second signal drops what is in flight at once; nothing is lost", async () => {
  const { fhirProxy } = await begin();
  fhirProxy.faults([{ effect: { kind: "hold", name: "hang", when: "before" }, method: "POST" }]);
  const worker = pipeline.worker({ SHUTDOWN_MS: "60000", ...MANY_AT_ONCE });
  await fhirProxy.whenHeld("hang", AbortSignal.timeout(15_000), 4);
  worker.kill("SIGTERM");
  const early = await Promise.race([worker.exited, new Promise((resolve) => setTimeout(resolve, 700, "waits"))]);
  expect(early).toBe("waits");
  const [code, tookMs] = await timed(worker.stop("SIGINT"));
  expect([0, 75]).toContain(code);
  expect(tookMs).toBeLessThan(5000);
  fhirProxy.clear();
  await finish();
});
