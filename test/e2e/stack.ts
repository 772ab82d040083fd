/**
 * Everything a test of the whole needs: both emulators, a fault proxy before each, a Redis, and real worker processes. Every stack has a seed of its
 * own, which goes into its SOURCE_ID, UIDs, Patient IDs and identifier systems. With FHIR_E2E_URL that FHIR server stands in the emulator's place; what a
 * stack sees of it is what carries its own seed.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Endpoint, FhirResource, ImagingStudy, Patient } from "fhir/r4";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import { type FaultProxy, startFaultProxy } from "../../emulators/fault-proxy/index.ts";
import { type FhirEmulator, startFhirEmulator } from "../../emulators/fhir/index.ts";
import { hospitalDay, playHospitalDay } from "../../emulators/samples/index.ts";
import { parseCheckpoint } from "../../src/changefeed/index.ts";
import { resolvePart, stateOptions } from "../../src/config.ts";
import { endpointId } from "../../src/mapping/index.ts";
import { createState, type State } from "../../src/state/index.ts";
import { DEFAULT_PARTITION } from "../../src/study.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import {
  type CommandResult,
  type Environment,
  endWorkerProcesses,
  runCommand,
  startWorkerProcess,
  type WorkerProcess,
} from "../support/worker-process.ts";

/** Set: the suite runs against this FHIR server; what only the emulator can show is left out. */
export const FHIR_E2E_URL = process.env["FHIR_E2E_URL"];

/** A real server answers later than the emulator, and takes the cores from the rest. */
const SETTLED_MS = FHIR_E2E_URL === undefined ? 20_000 : 240_000;
/** Limit of a test that waits for several things in turn. */
export const LONG_TEST_MS = FHIR_E2E_URL === undefined ? 60_000 : 300_000;
const LOOK_MS = 25;

export type FhirSide = {
  /** Behind the proxy: for what a test does by itself. */
  url: string;
  emulator: FhirEmulator | undefined;
  studies(): Promise<ImagingStudy[]>;
  patients(): Promise<Patient[]>;
  endpoints(): Promise<Endpoint[]>;
  /** One resource by its reference (`Patient/1`), whoever made it. */
  read<T extends FhirResource>(reference: string): Promise<T>;
  /** Equal before and after: not one resource of this stack was written in between. */
  versions(): Promise<string>;
  put(resource: FhirResource): Promise<void>;
  delete(resource: FhirResource): Promise<void>;
};

export type Stack = {
  seed: string;
  dicom: DicomEmulator;
  fhir: FhirSide;
  dicomProxy: FaultProxy;
  fhirProxy: FaultProxy;
  redis: TestRedis;
  state: State;
  /** What the workers and commands of this stack are started with. */
  options: Environment;
  /** Starts one more worker process. */
  worker(options?: Environment): WorkerProcess;
  /** Runs a command to its end; fails unless its exit code is 0. */
  run(...args: string[]): Promise<CommandResult>;
  /** Stores the generated hospital day of this stack's seed; `hospitalDayEvening({ seed })` says what is there afterwards. */
  playDay(): Promise<void>;
  /** Waits until the feed is read to its end, all requests are carried out and nothing is pending. Failed studies do not hinder it. */
  settled(withinMs?: number): Promise<void>;
  /** Ends the workers of all stacks, then this stack. */
  close(): Promise<void>;
};

export type StackOptions = {
  /** Another stack's seed: the same UIDs and ids again. Not with FHIR_E2E_URL. */
  seed?: string;
  /** The emulator answers as HAPI does. */
  hapi?: boolean;
  /** Options of the workers and commands. */
  env?: Environment;
  /** Folder whose files the DICOM service holds from the start. */
  load?: string;
  /** Further options of redis-server. */
  redisArgs?: readonly string[];
};

export async function startStack(stack: StackOptions = {}): Promise<Stack> {
  const { seed = `e2e-${randomBytes(4).toString("hex")}`, hapi = false, env = {}, load, redisArgs = [] } = stack;
  const [dicom, emulator, redis] = await Promise.all([
    startDicomEmulator(load === undefined ? {} : { load }),
    FHIR_E2E_URL === undefined ? startFhirEmulator({ hapi }) : undefined,
    startTestRedis(redisArgs),
  ]);
  const fhirUrl = (emulator?.url ?? FHIR_E2E_URL ?? "").replace(/\/$/, "");
  const [dicomProxy, fhirProxy] = await Promise.all([
    startFaultProxy({ target: dicom.url }),
    startFaultProxy({ target: fhirUrl }),
  ]);
  const options: Environment = {
    SOURCE_ID: seed,
    DICOM_URL: dicomProxy.url,
    // Published addresses stay the same however the proxy's port changes.
    DICOM_PUBLIC_URL: `http://dicom.example/${seed}/v2`,
    FHIR_URL: fhirProxy.url,
    REDIS_URL: redis.url,
    PATIENT_ID_SYSTEM: `urn:test:${seed}:default`,
    ISSUER_SYSTEMS: `HOSPITAL-A=urn:test:${seed}:a,CLINIC-B=urn:test:${seed}:b`,
    TIME_ZONE: "Europe/Berlin",
    ...env,
  };
  const resolved = resolvePart({ flags: {}, env: options, file: undefined, readFile: String }, "state");
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems));
  const state = createState(redis.redis, stateOptions(resolved.config));

  return {
    seed,
    dicom,
    fhir: fhirSide(fhirUrl, emulator, seed),
    dicomProxy,
    fhirProxy,
    redis,
    state,
    options,
    worker: (more = {}) => startWorkerProcess({ ...options, ...more }),
    async run(...args) {
      const result = await runCommand(args, options);
      if (result.code !== 0) throw new Error(`studycast ${args.join(" ")}: exit ${result.code}\n${result.stderr}`);
      return result;
    },
    async playDay() {
      await playHospitalDay(dicom.url, hospitalDay({ seed }));
    },
    settled: (withinMs = SETTLED_MS) => settled(state, dicom, withinMs),
    async close() {
      await endWorkerProcesses();
      await Promise.all([dicomProxy.close(), fhirProxy.close()]);
      await Promise.all([dicom.close(), emulator?.close(), redis.stop()]);
    },
  };
}

async function settled(state: State, dicom: DicomEmulator, withinMs: number): Promise<void> {
  const endMs = Date.now() + withinMs;
  for (;;) {
    const missing = await whatIsMissing(state, dicom);
    if (missing === undefined) return;
    if (Date.now() > endMs) {
      const rows = { pending: await state.pending(5), failed: await state.failed(5) };
      throw new Error(`not settled after ${withinMs} ms: ${missing}; ${JSON.stringify(rows)}`);
    }
    await delay(LOOK_MS);
  }
}

/** Asked in the order in which work flows, so that nothing slips from a later place to an earlier one between two questions. */
async function whatIsMissing(state: State, dicom: DicomEmulator): Promise<string | undefined> {
  const requests = await state.requestList();
  if (requests.some((request) => request.state === "waiting" || request.state === "running"))
    return "a request is open";
  const answer = await fetch(`${dicom.url}/v1/changefeed/latest?includeMetadata=false`);
  const entry = answer.status === 200 ? ((await answer.json()) as { Sequence?: number; sequence?: number }) : {};
  const latest = entry.Sequence ?? entry.sequence ?? 0;
  const stored = await state.checkpoint();
  if (stored.kind === "none") return "no checkpoint yet";
  const { ranges } = parseCheckpoint(stored.text);
  const unread = ranges.find(({ scan, to, notBefore }) => notBefore === undefined && scan < (to ?? latest));
  if (unread !== undefined) return `the feed is read to ${unread.scan} of ${unread.to ?? latest}`;
  const { pending } = await state.counts();
  return pending === 0 ? undefined : `${pending} pending`;
}

function fhirSide(url: string, emulator: FhirEmulator | undefined, seed: string): FhirSide {
  const all = async <T extends FhirResource>(type: T["resourceType"]): Promise<T[]> =>
    emulator === undefined ? searchAll<T>(url, type) : (structuredClone(emulator.resources(type)) as unknown[] as T[]);
  const endpoint = endpointId(seed, DEFAULT_PARTITION);
  const studies = async () =>
    (await all<ImagingStudy>("ImagingStudy")).filter((study) =>
      study.endpoint?.some(({ reference }) => reference === `Endpoint/${endpoint}`),
    );
  const patients = async () => {
    const subjects = new Set((await studies()).map(({ subject }) => subject.reference));
    const isOurs = ({ id, identifier = [] }: Patient) =>
      emulator !== undefined ||
      subjects.has(`Patient/${id}`) ||
      identifier.some(({ system }) => system?.includes(seed));
    const found = (await all<Patient>("Patient")).filter(isOurs);
    if (emulator !== undefined) return found;
    for (const { id } of found) subjects.delete(`Patient/${id}`);
    // Those that studycast has not made do not carry its tag.
    const others = [...subjects].filter((reference) => reference !== undefined);
    return [...found, ...(await Promise.all(others.map((reference) => get<Patient>(`${url}/${reference}`))))];
  };
  const endpoints = async () => (await all<Endpoint>("Endpoint")).filter(({ address }) => address.includes(seed));
  const send = async (method: string, resource: FhirResource) => {
    const answer = await fetch(`${url}/${resource.resourceType}/${resource.id}`, {
      method,
      headers: { "content-type": "application/fhir+json", connection: "close" },
      ...(method === "PUT" ? { body: JSON.stringify(resource) } : {}),
    });
    if (!answer.ok) throw new Error(`${method} ${resource.resourceType}: ${answer.status} ${await answer.text()}`);
  };
  return {
    url,
    emulator,
    studies,
    patients,
    endpoints,
    read: (reference) => get(`${url}/${reference}`),
    async versions() {
      const resources = [...(await studies()), ...(await patients()), ...(await endpoints())];
      const versions = resources.map(({ resourceType, id, meta }) => `${resourceType}/${id}@${meta?.versionId}`);
      return [`${emulator?.writes() ?? "?"} writes`, ...versions.sort()].join("\n");
    },
    put: (resource) => send("PUT", resource),
    delete: (resource) => send("DELETE", resource),
  };
}

// A connection of its own each time: a real server closes idle ones, and a busy test process may not have noticed that.
const HEADERS = { accept: "application/fhir+json", "cache-control": "no-cache", connection: "close" };

async function get<T>(url: string): Promise<T> {
  const answer = await fetch(url, { headers: HEADERS });
  if (!answer.ok) throw new Error(`read of ${url}: ${answer.status}`);
  return (await answer.json()) as T;
}

type Page<T> = { entry?: { resource: T }[]; link?: { relation: string; url: string }[] };

/** All live resources of a type that studycast has made, page by page, past the server's search cache. */
async function searchAll<T extends FhirResource>(url: string, type: string): Promise<T[]> {
  const found: T[] = [];
  const tag = encodeURIComponent("urn:studycast:tag|created");
  let next: string | undefined = `${url}/${type}?_tag=${tag}&_count=200`;
  while (next !== undefined) {
    const page: Page<T> = await get(next);
    found.push(...(page.entry ?? []).map(({ resource }) => resource));
    next = page.link?.find(({ relation }) => relation === "next")?.url;
  }
  return found;
}
