/** What is assumed of the service's writers can turn out wrong. Then nothing may be lost, and a person must see it. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { el, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline?.close());

function image(n: number): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid("late", `image ${n}`)),
    "00080060": el("CS", "CT"),
    "00100020": el("LO", "late"),
    "0020000D": el("UI", seededUid("late", `study ${n}`)),
    "0020000E": el("UI", seededUid("late", `series ${n}`)),
  });
}

test("an entry committed after the grace period is neither lost nor found in silence: the feed shows as degraded", async () => {
  pipeline = await startPipeline();
  const { dicom, fhir, status } = pipeline;
  const worker = pipeline.worker({ GRACE_MS: "500", REREAD_MS: "3000" });
  const metric = async (name: string) =>
    Number(new RegExp(`^studycast_${name} (\\d+)`, "m").exec((await page(worker, "/metrics")).text)?.[1]);
  dicom.store(image(1));
  await until("the first study", () => instancesByStudy(fhir).size === 1, { more: worker.output });
  dicom.control.hold({ writes: 1 });
  dicom.store(image(2));
  dicom.store(image(3));
  await until("the hole has expired", async () => (await metric("feed_holes_expired_total")) === 1);
  dicom.control.release();
  await until("the late study", () => instancesByStudy(fhir).size === 3, { more: worker.output });
  await until("it is told", async () => (await status()).feed.code === "FEED_LATE", {
    more: async () => JSON.stringify(await status()),
  });
  expect((await status()).feed.state).toBe("degraded");
  await delay(200);
  expect(await metric("feed_entries_late_total")).toBe(1);
  expect(await metric("feed_degraded")).toBe(1);
  expect((await page(worker, "/readyz")).status).toBe(200);
  expect(await worker.stop()).toBe(0);
}, 60_000);
