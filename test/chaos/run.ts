/**
 * One run: a random day under random faults, then all faults end, everything settles by itself, and the FHIR server must say what it says after an
 * undisturbed run. Nothing is left behind.
 */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startDicomEmulator } from "../../emulators/dicom/index.ts";
import { startFaultProxy } from "../../emulators/fault-proxy/index.ts";
import { type Environment, FAST } from "../support/worker-process.ts";
import { startChaosRedis } from "./chaos-redis.ts";
import { differences, touched } from "./compare.ts";
import { DAY_MS, playStep } from "./day.ts";
import { drawFrom } from "./draw.ts";
import { type Setting, scripted } from "./fault.ts";
import { FAULT_KINDS } from "./fault-kinds.ts";
import { openFhir } from "./fhir-side.ts";
import { type Plan, planRun } from "./plan.ts";
import { whatIsMissing } from "./settled.ts";
import { undisturbed } from "./undisturbed.ts";
import { openSlot } from "./workers.ts";

export type RunResult = {
  seed: number;
  redis: Plan["redis"];
  workers: number;
  faults: string[];
  differences: string[];
  seconds: number;
  /** The same by phase: until the workers listen, day and faults, settling, stopping, the undisturbed run. */
  phases: number[];
};
export type RunOptions = {
  /** Base of a real FHIR server; undefined: an emulator of the run's own. */
  fhir?: string | undefined;
  /** Folder for what the workers wrote, kept for runs with differences. */
  logs?: string | undefined;
  /** How long everything may take to settle after the last fault. */
  settleMs?: number | undefined;
};

/** Long, because a machine may be busy otherwise; a study that has failed ends the wait at once. */
const SETTLE_MS = 120_000;
const STOP_MS = 20_000;

/** Times scaled down as in the other tests, and further where a run would wait. */
const TIMES: Environment = {
  ...FAST,
  GRACE_MS: "800",
  REREAD_MS: "1500",
  BACKOFF_CAP_MS: "400",
  LEASE_MS: "900",
  LOCK_MS: "900",
  STALLED_MS: "400",
  HEAL_MS: "300",
  MAX_DEATHS: "100",
  DICOM_TIMEOUT_MS: "1500",
  DICOM_IDLE_TIMEOUT_MS: "1000",
  FHIR_TIMEOUT_MS: "1500",
  CONCURRENCY: "4",
};

export async function runChaos(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const startedMs = performance.now();
  const plan = planRun(seed);
  const complaints: string[] = [];
  const undo: (() => Promise<unknown>)[] = [];
  const phases: number[] = [];
  let phaseMs = startedMs;
  const endPhase = () => {
    const nowMs = performance.now();
    phases.push(Math.round((nowMs - phaseMs) / 100) / 10);
    phaseMs = nowMs;
  };
  try {
    await disturbed(plan, options, { complaints, undo, endPhase });
  } catch (error) {
    complaints.push(`the run itself failed: ${Error.isError(error) ? (error.stack ?? error.message) : String(error)}`);
  }
  for (const end of undo.reverse())
    await end().catch((error: unknown) => complaints.push(`cleaning up: ${String(error)}`));
  return {
    seed,
    redis: plan.redis,
    workers: plan.workers,
    faults: plan.faults.map(({ kind, atMs, lastsMs }) => `${kind}@${atMs}+${lastsMs}`),
    differences: complaints,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    phases,
  };
}

async function disturbed(
  plan: Plan,
  options: RunOptions,
  { complaints, undo, endPhase }: { complaints: string[]; undo: (() => Promise<unknown>)[]; endPhase(): void },
): Promise<void> {
  const { seed } = plan;
  const run = options.fhir === undefined ? `chaos-${seed}` : `chaos-${seed}-${Date.now().toString(36)}`;
  const system = `urn:test:${run}`;
  const temporary = await mkdtemp(join(tmpdir(), "chaos-"));
  undo.push(() => rm(temporary, { recursive: true, force: true }));
  const fhir = await openFhir(run, system, options.fhir, plan.hapi);
  undo.push(fhir.close);
  const dicom = await startDicomEmulator();
  undo.push(dicom.close);
  const dicomProxy = await startFaultProxy({ target: dicom.url });
  undo.push(dicomProxy.close);
  const fhirProxy = await startFaultProxy({ target: fhir.url });
  undo.push(fhirProxy.close);
  const redis = await startChaosRedis(plan.redis, run);
  undo.push(redis.stop);
  const env: Environment = {
    ...TIMES,
    SOURCE_ID: run,
    DICOM_URL: dicomProxy.url,
    DICOM_PUBLIC_URL: `http://dicom.example/${run}`,
    FHIR_URL: fhirProxy.url,
    PATIENT_ID_SYSTEM: system,
    TIME_ZONE: "Europe/Berlin",
  };
  const complain = (what: string) => void complaints.push(what);
  const before = await fhir.all();
  const slots = await Promise.all(
    Array.from({ length: plan.workers }, (_, n) =>
      openSlot(`w${n}`, { dir: temporary, redis, complain }, { ...env, TMPDIR: temporary }),
    ),
  );
  let failed = true;
  undo.push(async () => {
    if (failed && options.logs !== undefined)
      await writeFile(join(options.logs, `${seed}.log`), slots.map((slot) => slot.output()).join("\n====\n"));
  });
  undo.push(async () => void (await Promise.all(slots.map((slot) => slot.end()))));
  const setting: Setting = {
    run,
    dicom,
    dicomProxy: scripted(dicomProxy),
    fhirProxy: scripted(fhirProxy),
    redis,
    slots,
    complain,
  };

  await Promise.all(slots.map((slot) => slot.ensure()));
  endPhase();
  await Promise.all([playDay(plan, setting), playFaults(plan, setting)]);
  endPhase();
  dicom.control.clearFaults();
  dicom.control.hold({ writes: 0 });
  dicom.control.release();
  dicomProxy.clear();
  fhirProxy.clear();
  for (const slot of slots) void slot.ensure();

  const missing = await untilSettled(
    () => whatIsMissing(redis.client(), run, dicom.url),
    options.settleMs ?? SETTLE_MS,
  );
  if (missing !== undefined) complaints.push(`it does not settle: ${missing}`);
  endPhase();
  const ends = await Promise.all(slots.map((slot) => slot.terminate(STOP_MS)));
  complaints.push(...ends.filter((end) => end !== undefined));
  const after = await fhir.all();
  endPhase();
  const wanted = await undisturbed(run, env, dicom.url);
  endPhase();
  complaints.push(...differences(after, wanted, system), ...touched(before, after, fhir.others));
  const left = (await readdir(temporary)).filter((name) => !name.startsWith("clock-"));
  if (left.length > 0) complaints.push(`temporary files are left: ${left}`);
  failed = complaints.length > 0;
}

async function playDay(plan: Plan, setting: Setting): Promise<void> {
  const startMs = performance.now();
  for (const step of plan.day) {
    await delay(Math.max(0, startMs + step.atMs - performance.now()));
    await playStep(setting, step);
  }
  await delay(Math.max(0, startMs + DAY_MS - performance.now()));
}

async function playFaults(plan: Plan, setting: Setting): Promise<void> {
  const startMs = performance.now();
  /** On a busy machine a fault may take longer than planned; the next one of its group waits for its end. */
  const ends = new Map<string, Promise<void>>();
  await Promise.all(
    plan.faults.map(async ({ kind: name, atMs, lastsMs }, n) => {
      const kind = FAULT_KINDS[name];
      if (kind === undefined) throw new Error(`no fault ${name}`);
      const { group = name } = kind;
      const before = ends.get(group);
      const ended = Promise.withResolvers<void>();
      ends.set(group, ended.promise);
      await delay(Math.max(0, startMs + atMs - performance.now()));
      await before;
      try {
        const end = await kind.begin(setting, drawFrom(plan.seed, `fault ${n}`), lastsMs);
        await delay(lastsMs);
        await end();
      } finally {
        ended.resolve();
      }
    }),
  );
}

async function untilSettled(ask: () => Promise<string | undefined>, withinMs: number): Promise<string | undefined> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const missing = await ask().catch((error: unknown) => `no answer: ${String(error)}`);
    if (missing === undefined || performance.now() > endMs || missing.includes(" failed: ")) return missing;
    await delay(40);
  }
}
