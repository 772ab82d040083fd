/** A study is deleted, and the feed that tells it is not read yet: that is no trouble a person must look at. */
import { afterEach, expect, test } from "@jest/globals";
import { writePart10 } from "../../emulators/samples/index.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline.close());

const text = (vr: string, value: string) => ({ vr, Value: [value] });
const image = writePart10({
  "00080016": text("UI", "1.2.840.10008.5.1.4.1.1.7"),
  "00080018": text("UI", "1.2.3.1.1"),
  "00080060": text("CS", "OT"),
  "00100020": text("LO", "P1"),
  "0020000D": text("UI", "1.2.3"),
  "0020000E": text("UI", "1.2.3.1"),
});

test("a study that is gone before the feed tells it does not fail: it waits for the feed, and leaves FHIR then", async () => {
  pipeline = await startPipeline();
  pipeline.dicom.store(image);
  const worker = pipeline.worker();
  await until("the study", () => instancesByStudy(pipeline.fhir).size === 1, { more: worker.output, limitMs: 60_000 });

  pipeline.dicomProxy.faults([{ effect: { kind: "hold", name: "feed", when: "before" }, path: "^/v1/changefeed\\?" }]);
  await fetch(`${pipeline.dicom.url}/v2/studies/1.2.3`, { method: "DELETE" });
  await pipeline.dicomProxy.whenHeld("feed", AbortSignal.timeout(60_000));
  expect((await pipeline.command(["resync", "--study", "1.2.3"])).code).toBe(0);
  const metrics = async () => (await page(worker, "/metrics")).text;
  const again = async () =>
    Number(/^studycast_syncs_total\{outcome="superseded"\} (\d+)$/m.exec(await metrics())?.[1] ?? 0);
  await until("it is looked at more than once", async () => (await again()) > 2, { more: worker.output });
  expect(await metrics()).not.toContain('sync_failures_total{code="STUDY_VANISHED"}');
  expect((await pipeline.status()).studies).toMatchObject({ failed: 0, pending: 1 });
  expect(instancesByStudy(pipeline.fhir).size).toBe(1);

  pipeline.dicomProxy.clear();
  await until("it is gone", () => instancesByStudy(pipeline.fhir).size === 0, { more: worker.output });
  await until("all is done", async () => (await pipeline.status()).studies.pending === 0, { more: worker.output });
  expect(await metrics()).not.toContain('sync_failures_total{code="STUDY_VANISHED"}');
}, 180_000);
