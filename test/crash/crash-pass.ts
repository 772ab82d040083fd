/**
 * The pass over all crash points of one operation. A run: the study is prepared and synced, the change is made, the worker is killed at the point, another
 * one is started, and when all is settled the FHIR resources are compared with those of a stack of the same seed whose worker nobody disturbs. The worker
 * that ends one run begins the next.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { FhirResource } from "fhir/r4";
import { type Stack, startStack } from "../e2e/stack.ts";
import type { Environment, WorkerProcess } from "../support/worker-process.ts";
import { startHttpTap } from "./http-tap.ts";
import { type Operation, studyUid } from "./operations.ts";
import { startRedisTap } from "./redis-tap.ts";
import { createSeam, type Point, type Seam, type Side, type StopAt } from "./seam.ts";

export type Difference = StopAt & { operation: string; what: string };
export type PassResult = {
  operation: string;
  /** Points recorded in the undisturbed run, and how many of them the pass took. */
  points: number;
  taken: number;
  runs: number;
  /** Runs in which the process was killed; the others came to their end without meeting the point a second time. */
  killed: number;
  missed: StopAt[];
  differences: Difference[];
};
export type PassOptions = {
  /** Which points to take; all when left out. */
  takes?(point: Point): boolean;
  sides?: readonly Side[];
  tell?(line: string): void;
  signal: AbortSignal;
};

/** Slow timers where a timer's turn would only repeat a point; fast ones where a dead process is waited for. */
const TIMES: Environment = {
  LEASE_MS: "500",
  LOCK_MS: "400",
  STALLED_MS: "200",
  HEAL_MS: "600000",
  LATEST_MS: "600000",
  SETTLE_MAX_MS: "20",
  SETTLE_FACTOR: "0",
  BACKOFF_CAP_MS: "200",
};
const SETTLED_MS = 120_000;
const QUIET_MS = 60;
/** Within this every loop of an idle worker turns once. */
const TURN_MS = 2600;
const SIDES: readonly Side[] = ["before", "after"];

export async function crashPass(operation: Operation, options: PassOptions): Promise<PassResult> {
  const { takes = () => true, sides = SIDES, tell = () => {}, signal } = options;
  const disturbed = await startDisturbed();
  const other = await startStack({ seed: disturbed.stack.seed, env: TIMES });
  const differences: Difference[] = [];
  const missed: StopAt[] = [];
  let runs = 0;
  try {
    other.worker();
    await run(operation, "warm-up", undefined, disturbed, other);
    const record = await run(operation, "record", undefined, disturbed, other);
    if (record.what !== undefined) throw new Error(`${operation.name}, undisturbed: ${record.what}`);
    const taken = record.points.filter(takes);
    for (const at of taken.flatMap((point) => sides.map((side) => ({ ...point, side })))) {
      if (signal.aborted) break;
      const { what, killed, usable } = await run(operation, `r${runs++}`, at, disturbed, other);
      if (!killed) missed.push(at);
      if (what === undefined) continue;
      differences.push({ ...at, operation: operation.name, what });
      tell(`${operation.name}: ${at.side} ${at.label} #${at.nth}: ${what}`);
      if (!usable) break;
    }
    const [points, killed] = [record.points.length, runs - missed.length];
    return { operation: operation.name, points, taken: taken.length, runs, killed, missed, differences };
  } finally {
    await Promise.all([disturbed.close(), other.close()]);
  }
}

type Disturbed = {
  stack: Stack;
  seam: Seam;
  failNext(status: number): void;
  /** The worker that is alive; started when there is none. */
  worker(): WorkerProcess;
  /** Ends the worker in order. */
  rest(): Promise<void>;
  kill(): void;
  killed(): Promise<unknown>;
  close(): Promise<void>;
};

async function startDisturbed(): Promise<Disturbed> {
  const stack = await startStack({ env: TIMES });
  const seam = createSeam();
  const [dicom, fhir, redis] = await Promise.all([
    startHttpTap("dicom", seam, stack.dicom.url),
    startHttpTap("fhir", seam, stack.fhir.url),
    startRedisTap(seam, stack.redis.socketPath, join(stack.redis.socketPath, "../tap.sock")),
  ]);
  const options = { DICOM_URL: dicom.url, FHIR_URL: fhir.url, REDIS_URL: redis.url };
  let alive: WorkerProcess | undefined;
  return {
    stack,
    seam,
    failNext: (status) => fhir.fail("fhir transaction of ImagingStudy", status, 1),
    worker() {
      alive ??= stack.worker(options);
      return alive;
    },
    async rest() {
      await alive?.stop();
      alive = undefined;
    },
    kill: () => alive?.kill("SIGKILL"),
    async killed() {
      await alive?.exited;
      alive = undefined;
    },
    async close() {
      await stack.close();
      await Promise.all([dicom.close(), fhir.close(), redis.close()]);
    },
  };
}

/** Not usable: the stack does not come to rest any more, so that further runs would say the same. */
type Run = { points: Point[]; killed: boolean; what: string | undefined; usable: boolean };

async function run(
  operation: Operation,
  name: string,
  at: StopAt | undefined,
  disturbed: Disturbed,
  other: Stack,
): Promise<Run> {
  const { stack, seam } = disturbed;
  const study = `${operation.name}-${name}`;
  disturbed.worker();
  for (const each of [stack, other]) await operation.prepare(each, study);
  await Promise.all([quiet(stack), quiet(other)]);
  if (operation.worker === "absent") {
    await disturbed.rest();
    await operation.change(stack, study);
  }
  if (operation.failOnce !== undefined) disturbed.failNext(operation.failOnce);
  const stopped = Promise.withResolvers<void>();
  seam.arm(at, () => {
    disturbed.kill();
    stopped.resolve();
  });
  if (operation.worker === "absent") disturbed.worker();
  else await operation.change(stack, study);
  await operation.change(other, study);

  const over = new AbortController();
  let killed = false;
  let what: string | undefined;
  try {
    await Promise.race([stopped.promise, quiet(stack).then(() => (at === undefined ? undefined : turn(over.signal)))]);
    over.abort();
    const points = seam.recorded();
    killed = await ended(disturbed);
    disturbed.worker();
    await Promise.all([quiet(stack), quiet(other)]);
    what = await difference(stack, other, study);
    return { points, killed, what, usable: true };
  } catch (error) {
    over.abort();
    return { points: [], killed: (await ended(disturbed)) || killed, what: String(error), usable: false };
  }
}

/** Whether the run's process was killed; if so it is gone. */
async function ended({ seam, killed }: Disturbed): Promise<boolean> {
  const reached = seam.reached();
  if (reached) await killed();
  seam.disarm();
  return reached;
}

const turn = (signal: AbortSignal) => delay(TURN_MS, undefined, { signal }).catch(() => {});

/** Settled, and the queue has no job that waits, runs or has failed. */
async function quiet(stack: Stack): Promise<void> {
  await stack.settled(SETTLED_MS);
  const endMs = Date.now() + SETTLED_MS;
  for (let left = await jobsLeft(stack); left !== ""; left = await jobsLeft(stack)) {
    if (Date.now() > endMs) throw new Error(`jobs left: ${left}`);
    await delay(10);
  }
  await delay(QUIET_MS);
}

async function jobsLeft({ redis: { redis }, seed }: Stack): Promise<string> {
  const key = (name: string) => `studycast:{${seed}}:queue:sync:${name}`;
  const lists = await Promise.all(
    ["wait", "active", "paused"].map(async (name) => [name, await redis.llen(key(name))]),
  );
  const sets = ["prioritized", "delayed", "failed", "stalled"].map(async (name) => [
    name,
    name === "stalled" ? await redis.scard(key(name)) : await redis.zcard(key(name)),
  ]);
  return [...lists, ...(await Promise.all(sets))]
    .filter(([, count]) => count !== 0)
    .map((pair) => pair.join(" "))
    .join(", ");
}

/** What differs between the two stacks; undefined when nothing does. */
async function difference(stack: Stack, other: Stack, study: string): Promise<string | undefined> {
  const counts = await stack.state.counts();
  if (counts.pending + counts.failed > 0) return `${counts.pending} pending, ${counts.failed} failed`;
  const [ours, theirs] = await Promise.all([contentOf(stack, study), contentOf(other, study)]);
  if (ours.totals !== theirs.totals) return `resources: ${ours.totals} instead of ${theirs.totals}`;
  const names = new Set([...ours.resources.keys(), ...theirs.resources.keys()]);
  const wrong = [...names].filter((name) => ours.resources.get(name) !== theirs.resources.get(name));
  return wrong.length === 0 ? undefined : `other content: ${wrong.join(", ")}`;
}

/** The bytes of the resources that name this run's study or its patients, and how many resources of each type there are in all. */
async function contentOf(stack: Stack, study: string): Promise<{ totals: string; resources: Map<string, string> }> {
  const all: FhirResource[] = [
    ...(await stack.fhir.studies()),
    ...(await stack.fhir.patients()),
    ...(await stack.fhir.endpoints()),
  ];
  const counts = new Map<string, number>();
  const resources = new Map<string, string>();
  const uid = studyUid(stack, study);
  for (const { meta, ...rest } of all) {
    counts.set(rest.resourceType, (counts.get(rest.resourceType) ?? 0) + 1);
    const bytes = JSON.stringify({ ...rest, tag: meta?.tag });
    if (bytes.includes(uid) || bytes.includes(`"${study}-`)) resources.set(`${rest.resourceType}/${rest.id}`, bytes);
  }
  return { totals: [...counts].sort().join("; "), resources };
}
