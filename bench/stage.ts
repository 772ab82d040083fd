/** Everything a benchmark plays on, each in a process of its own: DICOM emulator, FHIR emulator, the fault proxies before them, a temporary Redis, the worker. */
import { setTimeout as delay } from "node:timers/promises";
import type { Counts } from "../emulators/fault-proxy/index.ts";
import { type EmbeddedRedis, startEmbeddedRedis } from "../src/redis/index.ts";
import { type Child, type ChildOptions, startChild, WORKER_NODE_ARGS } from "./child.ts";

/** Patient IDs of the synthetic studies get this system, in what the worker writes and in what is re-enacted. */
export const PATIENT_ID_SYSTEM = "urn:oid:2.25.1";
export const SOURCE_ID = "bench";

export type StageOptions = {
  /** As `--synthetic` of the DICOM emulator; without it the emulator is empty and takes files. */
  synthetic?: string;
  /** Another program with another feed in place of the DICOM emulator, and its arguments. */
  dicom?: readonly [program: string, ...args: string[]];
  fhirArgs?: readonly string[];
  /** Redis keeps its data in this folder, so that one that is killed comes back with it; without it Redis has no disk. */
  redisDir?: string;
  /** Added to each request by the proxies; undefined: no proxies. */
  latencyMs?: number;
  /** Only to FHIR requests, where it is another than that of DICOM. */
  fhirLatencyMs?: number;
};

export type Stage = {
  /** As a client sees them: the proxies where there are any. */
  dicomUrl: string;
  fhirUrl: string;
  /** The emulators themselves. */
  dicomDirect: string;
  fhirDirect: string;
  redis: EmbeddedRedis;
  /** Processor seconds used so far, by process. */
  cpu(): Record<string, number>;
  /** Most resident memory so far, in MB, by process; the workers left out. */
  memories(): Record<string, number>;
  counts(service: "dicom" | "fhir"): Promise<Counts>;
  resetCounts(): Promise<void>;
  /** Live resources of a type in the FHIR server. */
  count(type: string): Promise<number>;
  startWorker(env: Record<string, string>, options?: Pick<ChildOptions, "nodeArgs" | "onLine">): Child;
  stop(): Promise<void>;
};

export async function startStage(options: StageOptions, signal: AbortSignal): Promise<Stage> {
  const children: [string, Child][] = [];
  const start = async (name: string, program: string, args: readonly string[]): Promise<string> => {
    const child = startChild(program, [...args, "--parent-pipe"]);
    children.push([name, child]);
    return child.line(/^READY (.+)$/);
  };
  const synthetic = options.synthetic === undefined ? [] : ["--synthetic", options.synthetic];
  const [program, ...args] = options.dicom ?? ["emulators/dicom/main.ts", ...synthetic];
  const dicomDirect = await start("DICOM emulator", program, args);
  const fhirDirect = `${await start("FHIR emulator", "emulators/fhir/main.ts", options.fhirArgs ?? [])}/fhir`;
  const proxy = (name: string, target: string, latencyMs = options.latencyMs) =>
    start(name, "emulators/fault-proxy/main.ts", ["--target", target, "--latency", String(latencyMs)]);
  const proxied = options.latencyMs !== undefined;
  const dicomProxy = proxied ? await proxy("DICOM proxy", dicomDirect) : dicomDirect;
  const fhirProxy = proxied ? await proxy("FHIR proxy", fhirDirect, options.fhirLatencyMs) : fhirDirect;
  const mode =
    options.redisDir === undefined
      ? { mode: "temporary" as const }
      : { mode: "durable" as const, dataDir: options.redisDir };
  const redis = await startEmbeddedRedis({ ...mode, env: process.env, tell: () => {} }, signal);

  return {
    dicomUrl: dicomProxy,
    fhirUrl: proxied ? `${fhirProxy}/fhir` : fhirDirect,
    dicomDirect,
    fhirDirect,
    redis,
    cpu: () => Object.fromEntries(children.map(([name, child]) => [name, child.cpuSeconds()])),
    memories: () =>
      Object.fromEntries(
        children.filter(([name]) => name !== "worker").map(([name, child]) => [name, child.memory().mostMb]),
      ),
    counts: async (service) => (await json(`${service === "dicom" ? dicomProxy : fhirProxy}/__counts`)) as Counts,
    async resetCounts() {
      for (const url of [dicomProxy, fhirProxy])
        await (await fetch(`${url}/__counts/reset`, { method: "POST" })).arrayBuffer();
    },
    async count(type) {
      const bundle = (await json(`${fhirDirect}/${type}?_summary=count`)) as { total?: number };
      return bundle.total ?? 0;
    },
    startWorker(env, { nodeArgs = WORKER_NODE_ARGS, ...more } = {}) {
      const base = {
        DICOM_URL: dicomProxy,
        FHIR_URL: proxied ? `${fhirProxy}/fhir` : fhirDirect,
        REDIS_URL: redis.socketPath,
        PATIENT_ID_SYSTEM,
        SOURCE_ID,
        HTTP_PORT: "0",
        LOG_LEVEL: "info",
      };
      const child = startChild("src/cli/main.ts", ["start"], { ...more, env: { ...base, ...env }, nodeArgs });
      children.push(["worker", child]);
      return child;
    },
    async stop() {
      for (const [, child] of children.reverse()) await child.stop();
      await redis.stop();
    },
  };
}

export async function json(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} from ${new URL(url).pathname}`);
  return response.json();
}

/** Asks every `everyMs` until the answer is true. */
export async function until(ask: () => Promise<boolean>, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!(await ask())) await delay(everyMs, undefined, { signal });
}
