/** What is assumed of the service's writers can turn out wrong. Then nothing may be lost, and a person must see it. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { el, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import type { WorkerProcess } from "../support/worker-process.ts";

let pipeline: Pipeline;
afterEach(() => pipeline?.close());

function image(n: number, study = n): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid("late", `image ${n}`)),
    "00080060": el("CS", "CT"),
    "00100020": el("LO", "late"),
    "0020000D": el("UI", seededUid("late", `study ${study}`)),
    "0020000E": el("UI", seededUid("late", `series ${n}`)),
  });
}

async function metric(worker: WorkerProcess, name: string): Promise<number> {
  return Number(new RegExp(`^studycast_${name} (\\d+)`, "m").exec((await page(worker, "/metrics")).text)?.[1]);
}

test("an entry committed after the grace period is neither lost nor found in silence: the feed shows as degraded", async () => {
  pipeline = await startPipeline();
  const { dicom, fhir, status } = pipeline;
  const worker = pipeline.worker({ GRACE_MS: "500", REREAD_MS: "3000" });
  dicom.store(image(1));
  await until("the first study", () => instancesByStudy(fhir).size === 1, { more: worker.output });
  dicom.control.hold({ writes: 1 });
  dicom.store(image(2));
  dicom.store(image(3));
  await until("the hole has expired", async () => (await metric(worker, "feed_holes_expired_total")) === 1);
  dicom.control.release();
  await until("the late study", () => instancesByStudy(fhir).size === 3, { more: worker.output });
  await until("it is told", async () => (await status()).feed.code === "FEED_LATE", {
    more: async () => JSON.stringify(await status()),
  });
  expect((await status()).feed.state).toBe("degraded");
  await delay(200);
  expect(await metric(worker, "feed_entries_late_total")).toBe(1);
  expect(await metric(worker, "feed_degraded")).toBe(1);
  expect((await page(worker, "/readyz")).status).toBe(200);
  expect(await worker.stop()).toBe(0);
}, 60_000);

test("an image committed after the grace period reaches FHIR, though its study was read again meanwhile", async () => {
  pipeline = await startPipeline();
  const { dicom, fhir } = pipeline;
  const worker = pipeline.worker({ GRACE_MS: "500", REREAD_MS: "3000" });
  const instances = () => [...instancesByStudy(fhir).values()].join();
  dicom.store(image(1, 1));
  await until("the first image", () => instances() === "1", { more: worker.output });
  dicom.control.hold({ writes: 1 });
  dicom.store(image(2, 1));
  await delay(1500); // longer than the grace period: what is read now has, by what is assumed, seen all that is older
  dicom.store(image(3, 1));
  await until("the image after it", () => instances() === "2", { more: worker.output });
  await until("the hole has expired", async () => (await metric(worker, "feed_holes_expired_total")) === 1);
  dicom.control.release();
  await until("the late image", () => instances() === "3", { more: worker.output });
  expect(await worker.stop()).toBe(0);
}, 60_000);
