/**
 * Half an hour of load with a fault every minute: 200 images per second arrive, are changed and deleted again; two workers keep FHIR in step. Whether memory,
 * open files and handles stay flat, whether each fault is made up for, and whether FHIR says the truth in the end. BENCH_SOAK_MINUTES shortens it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseCheckpoint } from "../src/changefeed/index.ts";
import { closeRedis, type RedisClient } from "../src/redis/index.ts";
import { createState, type State } from "../src/state/index.ts";
import type { Child } from "./child.ts";
import { type Answer, type Figure, percentile, type Question, type Run } from "./question.ts";
import { differencesFromUndisturbed, openRedis, settled } from "./soak-end.ts";
import { SOAK_FAULTS, type SoakSite } from "./soak-faults.ts";
import { after, growth, type Life, slopePerMinute, watchWorker } from "./soak-watch.ts";
import { json, SOURCE_ID, type Stage, startStage } from "./stage.ts";
import { planTurnover } from "./turnover.ts";

const RATE = 200;
const STUDIES = 20;
const IMAGES = 50;
/** Three minutes: a study whose changes lie more than BURST_END_MS back is deleted soon after it is told, one in the middle of a burst waits for its end. */
const LIFE_GROUPS = 36;
const GROUPS_PER_MINUTE = (60 * RATE) / (STUDIES * IMAGES);
const FAULT_EVERY_MS = 60_000;
/** Longest wait for the lag to be gone; a fault that takes longer shows as this. */
const MADE_UP_WITHIN_MS = 300_000;
const MINUTE_MS = 60_000;
/** A longer lag without any fault is that of a machine that cannot keep up; it counts as lag. */
const MOST_USUAL_S = 60;

/** How far behind the truth FHIR is: the age of the oldest study not yet synced, and of the part of the feed not yet read. */
type Lag = { atMs: number; seconds: number; pending: number; failed: number; why: string };
type Latest = { Sequence?: number; sequence?: number };
type Befallen = { name: string; tookMs: number; madeUpMs: number };

export const soak: Question = {
  name: "soak",
  title: "Half an hour of 200 images per second with a fault every minute",
  onlyByName: true,
  async ask({ quick, tell, signal }: Run): Promise<Answer> {
    const minutes = Number(process.env["BENCH_SOAK_MINUTES"] ?? (quick ? 2 : 30));
    const warmUpMs = Math.min(5, minutes / 4) * MINUTE_MS;
    const redisDir = await mkdtemp(join(tmpdir(), "studycast-soak-"));
    const groups = Math.round(minutes * GROUPS_PER_MINUTE);
    const lifeGroups = Math.min(LIFE_GROUPS, Math.round(groups / 3));
    const shape = { groups, studies: STUDIES, images: IMAGES, lifeGroups };
    const feed = Object.entries({ ...shape, rate: RATE, delay: 10 }).flatMap(([name, value]) => [
      `--${name}`,
      `${value}`,
    ]);
    const dicom = ["bench/turnover-process.ts", ...feed] as const;
    const plan = planTurnover(shape);
    const feedStart = plan.created[(groups - lifeGroups) * STUDIES * IMAGES] ?? 1;
    const entriesPerSecond = (RATE * plan.actions.length) / plan.created.length;
    const stage = await startStage({ dicom, fhirArgs: ["--history", "2"], redisDir, latencyMs: 5 }, signal);
    const redis = openRedis(stage.redis.socketPath);
    try {
      return await play({ stage, redis, feedStart, entriesPerSecond, minutes, warmUpMs, tell, signal });
    } finally {
      closeRedis(redis);
      await stage.stop();
      await rm(redisDir, { recursive: true, force: true });
    }
  },
};

type Play = Omit<Run, "quick"> & {
  stage: Stage;
  redis: RedisClient;
  /** Where the studies begin in the feed that are still there in the end. */
  feedStart: number;
  entriesPerSecond: number;
  minutes: number;
  warmUpMs: number;
};

async function play(options: Play): Promise<Answer> {
  const { stage, redis, feedStart, minutes, warmUpMs, tell, signal } = options;
  const end = new AbortController();
  const watching = AbortSignal.any([end.signal, signal]);
  const lives: Promise<Life>[] = [];
  let warnings = 0;
  const onLine = (line: string) => {
    if (/MaxListenersExceeded|UnhandledPromise/.test(line)) warnings++;
  };
  const start = async (name: string): Promise<Child> => {
    const child = stage.startWorker({}, { onLine });
    lives.push(watchWorker(name, child, await child.line(/"url":"(http:[^"]+)"/), watching));
    return child;
  };
  const steady = await start("steady");
  let other = await start("other");
  const startedMs = performance.now();

  const settle = { minMs: 0, maxMs: 0, factor: 10, burstEndMs: 60_000 }; // only reading needs none of these
  const state = createState(redis, { sourceId: SOURCE_ID, settle, graceMs: 300_000 });
  const lags: Lag[] = [];
  const looking = lookAtLag(options, state, lags, watching);
  const site: SoakSite = {
    stage,
    freezeSteady: (name) => steady.kill(name),
    async killOther(pauseMs) {
      other.kill("SIGKILL");
      await other.exited;
      await delay(pauseMs, undefined, { signal });
      other = await start("other");
    },
    async signalRedis(name) {
      if (name !== "SIGCONT") redisPid = Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
      process.kill(redisPid, name);
    },
  };
  let redisPid = 0;

  const befallen: Befallen[] = [];
  await delay(warmUpMs, undefined, { signal });
  // What is usual without a fault: studies wait for their settle time.
  const undisturbed = lags.slice(Math.floor(lags.length / 3)).map(({ seconds }) => seconds);
  const usual = Math.min(MOST_USUAL_S, 1.5 * percentile(undisturbed, 95));
  tell(`lag without a fault: up to ${usual.toFixed(1)} s; studies pending: ${lags.at(-1)?.pending}`);
  for (let n = 0; performance.now() < startedMs + (minutes - 1) * MINUTE_MS; n++) {
    const fault = SOAK_FAULTS[n % SOAK_FAULTS.length];
    if (fault === undefined) break;
    const beganMs = performance.now();
    await fault.befall(site, signal);
    const overMs = performance.now();
    while (!isMadeUp(lags, overMs, usual) && performance.now() < overMs + MADE_UP_WITHIN_MS)
      await delay(500, undefined, { signal });
    const late = lags.filter(({ atMs, seconds }) => atMs > overMs + 30_000 && seconds > usual).at(-1);
    if (late !== undefined) tell(`behind for long: ${late.why}`);
    befallen.push({ name: fault.name, tookMs: overMs - beganMs, madeUpMs: performance.now() - overMs });
    const now = lags.at(-1);
    tell(
      `${fault.name}: lag gone ${((performance.now() - overMs) / 1000).toFixed(1)} s after its end; pending ${now?.pending}, ${now?.why}; steady ${steady.memory().nowMb} MB ${steady.openFiles()} files`,
    );
    await delay(Math.max(0, beganMs + FAULT_EVERY_MS - performance.now()), undefined, { signal });
  }
  const missing = await settled(redis, stage.dicomDirect, signal);
  const failed = Math.max(...lags.map((lag) => lag.failed), (await state.counts()).failed);
  const redisMb = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]) / 1e6;
  end.abort();
  await looking;
  const memories = stage.memories();
  const all = await Promise.all(lives);
  tell("all is done; a worker that nothing disturbs reads the same service");
  const different = missing === undefined ? await differencesFromUndisturbed(stage, feedStart, signal) : [missing];
  for (const line of different.slice(0, 20)) tell(line);
  return answer({ all, warmUpMs, befallen, failed, different, warnings, minutes, redisMb, memories, lags });
}

function isMadeUp(lags: readonly Lag[], sinceMs: number, usual: number): boolean {
  const [last, before] = [lags.at(-1), lags.at(-2)];
  return [last, before].every((lag) => lag !== undefined && lag.atMs > sinceMs && lag.seconds <= usual);
}

async function lookAtLag(
  { stage, entriesPerSecond }: Pick<Play, "stage" | "entriesPerSecond">,
  state: State,
  into: Lag[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      // Named in one way or the other by what services send and what they document.
      const latest = (await json(`${stage.dicomDirect}/v1/changefeed/latest?includeMetadata=false`)) as Latest;
      const stored = await state.checkpoint();
      const open =
        stored.kind === "none" ? undefined : parseCheckpoint(stored.text).ranges.find(({ to }) => to === null);
      const { oldestPendingMs = 0, pending, failed, waiting } = await state.counts();
      const unread = ((latest.Sequence ?? latest.sequence ?? 0) - (open?.scan ?? 0)) / entriesPerSecond;
      const seconds = Math.max(unread, oldestPendingMs / 1000);
      const codes = failed === 0 ? [] : (await state.failed(failed)).map(({ code }) => code);
      const [oldest] = await state.pending(1);
      const why = `unread ${unread.toFixed(1)} s, oldest ${Math.round(oldestPendingMs / 1000)} s ${oldest?.code ?? ""} ${JSON.stringify(waiting)}, failed ${codes}`;
      into.push({ atMs: performance.now(), seconds, pending, failed, why });
    } catch {
      // Redis is away, or the feed is empty yet.
    }
    await delay(1000, undefined, { signal }).catch(() => {});
  }
}

type Outcome = {
  all: Life[];
  warmUpMs: number;
  befallen: Befallen[];
  failed: number;
  different: string[];
  warnings: number;
} & {
  minutes: number;
  redisMb: number;
  memories: Record<string, number>;
  lags: Lag[];
};

function answer({
  all,
  warmUpMs,
  befallen,
  failed,
  different,
  warnings,
  minutes,
  redisMb,
  memories,
  lags,
}: Outcome): Answer {
  const steady = all.filter(({ name }) => name === "steady");
  const longest = all.filter(({ name }) => name === "other").sort((a, b) => b.looks.length - a.looks.length);
  const figures = [...steady, ...longest.slice(0, 1)].flatMap((life): Figure[] => {
    const who = life.name === "steady" ? "the steady worker" : "the other, its longest life";
    const looks = after(life, warmUpMs);
    const of = (value: (look: Life["looks"][number]) => number) =>
      looks.map((look) => ({ atMs: look.atMs, value: value(look) }));
    return [
      {
        what: `${who}: resident memory after warm-up, median`,
        value: percentile(
          looks.map(({ rssMb }) => rssMb),
          50,
        ),
        unit: "MB",
      },
      { what: `${who}: most resident memory`, value: life.mostMb, unit: "MB", target: { atMost: 512 } },
      {
        what: `${who}: slope of resident memory`,
        value: slopePerMinute(of(({ rssMb }) => rssMb)),
        unit: "MB/min",
        target: { atMost: 1 },
      },
      { what: `${who}: slope of the heap in use`, value: slopePerMinute(of(({ heapMb }) => heapMb)), unit: "MB/min" },
      {
        what: `${who}: growth of open files`,
        value: growth(looks.map(({ files }) => files)),
        unit: "",
        target: { atMost: 2 },
      },
      {
        what: `${who}: growth of active resources`,
        value: growth(looks.map(({ handles }) => handles)),
        unit: "",
        target: { atMost: 5 },
      },
    ];
  });
  const madeUp = befallen.map(({ madeUpMs }) => madeUpMs / 1000);
  const memory = Object.entries(memories).map(([name, mb]) => `${name} ${mb} MB`);
  return {
    figures: [
      ...figures,
      { what: "warnings of leaking listeners", value: warnings, unit: "", target: { atMost: 0 } },
      { what: "faults", value: befallen.length, unit: "" },
      { what: "lag gone after the end of a fault, median", value: percentile(madeUp, 50), unit: "s" },
      {
        what: "lag gone after the end of a fault, longest",
        value: Math.max(...madeUp),
        unit: "s",
        target: { atMost: 60 },
      },
      { what: "failed studies", value: failed, unit: "", target: { atMost: 0 } },
      {
        what: "differences from an undisturbed run in the end",
        value: different.length,
        unit: "",
        target: { atMost: 0 },
      },
    ],
    notes: [
      `${minutes} minutes, ${RATE} images/s in studies of ${IMAGES}, ${STUDIES} at a time; every fourth study is changed once and loses an image, each is deleted after three minutes. All options at their defaults, 5 ms before each service, warm-up ${warmUpMs / MINUTE_MS} minutes.`,
      `Seconds from the end of each fault until nothing was behind any more: ${befallen.map(({ name, madeUpMs }) => `${name} ${(madeUpMs / 1000).toFixed(1)}`).join("; ")}. Looked at each second: the oldest pending study is no older than without faults, and the feed is read.`,
      `Pending studies: median ${percentile(
        lags.map(({ pending }) => pending),
        50,
      )}, most ${Math.max(...lags.map(({ pending }) => pending))}. Most memory of the others: ${memory.join(", ")}; Redis uses ${redisMb.toFixed(1)} MB in the end.`,
    ],
  };
}
