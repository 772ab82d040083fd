/** A worker process of the chaos test. What a sync reads and writes lies in another Redis ("outside"), so that it survives what is done to ours. */
import { setTimeout as delay } from "node:timers/promises";
import { StudycastError } from "../../src/errors.ts";
import { createRedis } from "../../src/redis/index.ts";
import { createHarness } from "./harness.ts";

const [, , socketPath = "", outsidePath = ""] = process.argv;
const outside = createRedis({ address: { kind: "socket", path: outsidePath, db: 0 }, name: "outside", kind: "prompt" });
const h = createHarness({ kind: "socket", path: socketPath, db: 0 });
const codes = ["FHIR_REJECTED", "FHIR_CONFLICT", "FHIR_UNAVAILABLE", "DICOM_THROTTLED", "PATIENT_AMBIGUOUS"] as const;

h.work(
  async ({ study }, signal) => {
    const content = await outside.get(`content:${study}`);
    await delay(Math.random() * 20, undefined, { signal });
    const trouble = (await outside.get("trouble")) === "1";
    const code = codes[Math.floor(Math.random() * 15)];
    if (trouble && code !== undefined) throw new StudycastError(code, {}, { retryAfterMs: 30 });
    await outside.set(`fhir:${study}`, content ?? "");
  },
  { concurrency: 6, probe: async () => Math.random() < 0.7, maxDeaths: 1000, recheckMs: 100, pauseCapMs: 60 },
);
process.stdout.write("ready\n");
