/**
 * Everything around a worker, in this process: both emulators, a fault proxy before each, a real Redis. Workers and commands are the real command line.
 * What it starts, `close` stops.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type DicomEmulator, type DicomEmulatorOptions, startDicomEmulator } from "../../emulators/dicom/index.ts";
import { type FaultProxy, startFaultProxy } from "../../emulators/fault-proxy/index.ts";
import { type FhirEmulator, type FhirEmulatorOptions, startFhirEmulator } from "../../emulators/fhir/index.ts";
import { ISSUER_SYSTEMS } from "../../emulators/samples/index.ts";
import type { StatusSnapshot } from "../../src/http/index.ts";
import { createState } from "../../src/state/index.ts";
import { readStatus } from "../../src/status.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import {
  type CommandResult,
  type Environment,
  endWorkerProcesses,
  FAST,
  runCommand,
  startWorkerProcess,
  type WorkerProcess,
} from "../support/worker-process.ts";

export type Pipeline = {
  dicom: DicomEmulator;
  fhir: FhirEmulator;
  dicomProxy: FaultProxy;
  fhirProxy: FaultProxy;
  redis: TestRedis;
  options: Environment;
  worker(more?: Environment, args?: string[]): WorkerProcess;
  command(args: string[], more?: Environment): Promise<CommandResult>;
  /** What `studycast status --json` prints, without a process for it. */
  status(): Promise<StatusSnapshot>;
  close(): Promise<void>;
};

const SOURCE_ID = "test";
/** Only reading needs none of these. */
const STATE_OPTIONS = {
  sourceId: SOURCE_ID,
  graceMs: 1000,
  settle: { minMs: 0, maxMs: 200, factor: 10, burstEndMs: 60_000 },
};

export type PipelineOptions = { dicom?: DicomEmulatorOptions; fhir?: FhirEmulatorOptions; redis?: string[] };

export async function startPipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const [dicom, fhir, redis] = await Promise.all([
    startDicomEmulator(options.dicom),
    startFhirEmulator(options.fhir),
    startTestRedis(options.redis),
  ]);
  const dicomProxy = await startFaultProxy({ target: dicom.url });
  const fhirProxy = await startFaultProxy({ target: fhir.url });
  const env: Environment = {
    ...FAST,
    SOURCE_ID,
    DICOM_URL: dicomProxy.url,
    FHIR_URL: fhirProxy.url,
    REDIS_URL: redis.url,
    ISSUER_SYSTEMS: JSON.stringify(ISSUER_SYSTEMS),
  };
  const command = (args: string[], more: Environment = {}) => runCommand(args, { ...env, ...more });
  return {
    dicom,
    fhir,
    dicomProxy,
    fhirProxy,
    redis,
    options: env,
    worker: (more = {}, args = []) => startWorkerProcess({ ...env, ...more }, args),
    command,
    status: () => readStatus(createState(redis.redis, STATE_OPTIONS), SOURCE_ID, Date.now()),
    async close() {
      await endWorkerProcesses();
      await Promise.all([dicomProxy.close(), fhirProxy.close()]);
      await Promise.all([dicom.close(), fhir.close(), redis.stop()]);
    },
  };
}

/** Asks until the answer is true; the error names what was waited for, and says more if it can. */
export async function until(
  what: string,
  asked: () => boolean | Promise<boolean>,
  { limitMs = 20_000, more }: { limitMs?: number; more?: () => string | Promise<string> } = {},
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await asked())) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}\n${(await more?.()) ?? ""}`);
    await delay(100);
  }
}

/** Studies in FHIR with their number of instances. */
export function instancesByStudy(fhir: FhirEmulator): Map<string, number> {
  const counts = new Map<string, number>();
  for (const resource of fhir.resources("ImagingStudy"))
    if (resource.resourceType === "ImagingStudy")
      counts.set(studyUid(resource.identifier) ?? "?", resource.numberOfInstances ?? 0);
  return counts;
}

const studyUid = (identifiers: readonly { system?: string; value?: string }[] = []): string | undefined =>
  identifiers.find(({ system }) => system === "urn:dicom:uid")?.value?.replace("urn:oid:", "");

/** A page of the worker's HTTP server; the body whatever the status. */
export async function page(worker: WorkerProcess, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch((await worker.url) + path, { signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
}
