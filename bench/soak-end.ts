/** How the soak ends: whether all is done, and whether FHIR says what a worker that nothing disturbed would have written from the same DICOM service. */
import { setTimeout as delay } from "node:timers/promises";
import type { FhirResource } from "fhir/r4";
import { SUPPORTING_AS_OF_URL } from "../src/mapping/index.ts";
import { closeRedis, createRedis, type RedisClient, startEmbeddedRedis } from "../src/redis/index.ts";
import { differences } from "../test/chaos/compare.ts";
import { whatIsMissing } from "../test/chaos/settled.ts";
import { startChild } from "./child.ts";
import { PATIENT_ID_SYSTEM, SOURCE_ID, type Stage } from "./stage.ts";

const WITHIN_MS = 600_000;

export function openRedis(socketPath: string): RedisClient {
  return createRedis({ address: { kind: "socket", path: socketPath, db: 0 }, name: "bench", kind: "prompt" });
}

/** Resolves when nothing is missing any more, with what is when that takes too long. */
export async function settled(redis: RedisClient, dicomUrl: string, signal: AbortSignal): Promise<string | undefined> {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    const missing = await whatIsMissing(redis, SOURCE_ID, dicomUrl).catch((error: unknown) => String(error));
    if (missing === undefined || performance.now() > end) return missing;
    await delay(500, undefined, { signal });
  }
}

/**
 * Lines that say what FHIR has that it should not have, or has not. The same DICOM service is read by a new worker with a Redis and a FHIR server of its own,
 * from the first entry of those studies on that are still there.
 */
export async function differencesFromUndisturbed(
  stage: Stage,
  feedStart: number,
  signal: AbortSignal,
): Promise<string[]> {
  const fhir = startChild("emulators/fhir/main.ts", ["--history", "1", "--parent-pipe"]);
  const redis = await startEmbeddedRedis({ mode: "temporary", env: process.env, tell: () => {} }, signal);
  const client = openRedis(redis.socketPath);
  const origin = await fhir.line(/^READY (.+)$/);
  const worker = stage.startWorker({
    ...{ FHIR_URL: `${origin}/fhir`, REDIS_URL: redis.socketPath },
    ...{ FEED_START: String(feedStart), LOW_PENDING_MAX: "100000", SETTLE_MIN_MS: "0", SETTLE_MAX_MS: "0" },
  });
  try {
    await worker.line(/checks have passed/);
    const missing = await settled(client, stage.dicomDirect, signal);
    if (missing !== undefined) return [`the undisturbed run does not end: ${missing}`];
    const [found, wanted] = [await resources(new URL(stage.fhirDirect).origin), await resources(origin)];
    return differences(found, wanted, PATIENT_ID_SYSTEM);
  } finally {
    await worker.stop();
    await fhir.stop();
    closeRedis(client);
    await redis.stop();
  }
}

async function resources(origin: string): Promise<Map<string, FhirResource>> {
  const lines = (await (await fetch(`${origin}/control/resources`)).text()).split("\n").filter((line) => line !== "");
  const all = lines.map((line) => withoutStamp(JSON.parse(line) as FhirResource));
  return new Map(all.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
}

/** Which study has told of a device depends on which came first; what it told does not. */
function withoutStamp(resource: FhirResource): FhirResource {
  if (!("extension" in resource)) return resource;
  const extension = resource.extension?.filter(({ url }) => url !== SUPPORTING_AS_OF_URL);
  return { ...resource, extension } as FhirResource;
}
