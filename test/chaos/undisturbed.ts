/** The same DICOM service read by one worker that nothing disturbs, with a Redis and a FHIR server of its own: what FHIR must say in the end. */
import { setTimeout as delay } from "node:timers/promises";
import type { FhirResource } from "fhir/r4";
import { workerOptions } from "../../src/cli/start.ts";
import { resolveConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { closeRedis, createRedis, type RedisClient } from "../../src/redis/index.ts";
import { runWorker } from "../../src/worker.ts";
import type { Environment } from "../support/worker-process.ts";
import { openFhir } from "./fhir-side.ts";
import { whatIsMissing } from "./settled.ts";

const WITHIN_MS = 120_000;

export async function undisturbed(run: string, env: Environment, dicomUrl: string): Promise<Map<string, FhirResource>> {
  const fhir = await openFhir(run, env["PATIENT_ID_SYSTEM"] ?? "");
  const flags = { ...env, LOG_LEVEL: "silent", DICOM_URL: dicomUrl, FHIR_URL: fhir.url, REDIS_URL: "", HTTP_PORT: "0" };
  const resolved = resolveConfig({ flags, env: {}, file: undefined, readFile: String });
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems));
  const options = workerOptions(resolved.config, {
    log: createLog("silent"),
    version: "chaos",
    env: process.env,
    temporaryRedis: true,
    tell: () => {},
  });
  const stop = new AbortController();
  let redis: RedisClient | undefined;
  const openRedis = async (signal: AbortSignal) => {
    const opened = await options.openRedis(signal);
    redis = createRedis({ address: opened.address, name: "chaos", kind: "prompt" });
    return opened;
  };
  const ended = runWorker({ ...options, openRedis }, { stop: stop.signal, abort: stop.signal });
  try {
    await Promise.race([ended, untilSettled(() => redis, resolved.config.SOURCE_ID, dicomUrl)]);
    return await fhir.all();
  } finally {
    if (redis !== undefined) closeRedis(redis);
    stop.abort();
    await ended;
    await fhir.close();
  }
}

async function untilSettled(redis: () => RedisClient | undefined, sourceId: string, dicomUrl: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 20) {
    const client = redis();
    const missing = client === undefined ? "no Redis yet" : await whatIsMissing(client, sourceId, dicomUrl);
    if (missing === undefined) return;
    if (waitedMs > WITHIN_MS) throw new Error(`the undisturbed run does not settle: ${missing}`);
    await delay(20);
  }
}
