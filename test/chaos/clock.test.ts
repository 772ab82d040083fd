/** A wall clock that is set, as by an operator or a time server after a long time without one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { el, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { instancesByStudy, type Pipeline, startPipeline, until } from "../faults/pipeline.ts";

const PRELOAD = new URL("clock-preload.ts", import.meta.url).href;
const HOUR_MS = 3_600_000;

let pipeline: Pipeline;
let dir: string;
afterEach(async () => {
  await pipeline?.close();
  await rm(dir, { recursive: true, force: true });
});

function image(n: number): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid("clock", `image ${n}`)),
    "00080060": el("CS", "CT"),
    "00100020": el("LO", "clock"),
    "0020000D": el("UI", seededUid("clock", `study ${n}`)),
    "0020000E": el("UI", seededUid("clock", `series ${n}`)),
  });
}

test("a clock set back by an hour makes neither the feed nor a study that is to be tried again wait for an hour", async () => {
  dir = await mkdtemp(join(tmpdir(), "chaos-clock-"));
  const clock = join(dir, "clock");
  await writeFile(clock, String(HOUR_MS));
  pipeline = await startPipeline();
  const { dicom, fhir, fhirProxy, status } = pipeline;
  const worker = pipeline.worker({ CHAOS_CLOCK: clock, NODE_OPTIONS: `--import=${PRELOAD}`, POLL_MAX_MS: "1000" });
  await worker.url;
  // Each try of the first study ends in a conflict, so that it lies delayed for most of the time, by the clock of the future.
  const conflict = { kind: "status", status: 409 } as const;
  fhirProxy.faults([{ effect: conflict, method: "POST", body: '"type":"transaction"' }]);
  dicom.store(image(1));
  await until("the first study is tried", () => fhirProxy.counts().requests > 20, {
    more: worker.output,
  });
  await delay(1500); // the feed is idle: its longest wait
  await writeFile(clock, "0");
  worker.kill("SIGUSR2");
  fhirProxy.clear();
  dicom.store(image(2));
  await until("both studies", () => instancesByStudy(fhir).size === 2, {
    limitMs: 20_000,
    more: async () => `${JSON.stringify(await status())}\n${worker.output()}`,
  });
  await until("nothing pending", async () => (await status()).studies.pending === 0);
  expect(await worker.stop()).toBe(0);
}, 60_000);
