/** The worker processes of a run: real `studycast start`, each with a clock and a way to Redis of its own. One that has ended is started again. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Environment, startWorkerProcess, type WorkerProcess } from "../support/worker-process.ts";
import type { ChaosRedis } from "./chaos-redis.ts";
import type { Gate } from "./gate.ts";

export type Slot = {
  gate: Gate | undefined;
  /** SIGKILL, and a new process a while later. */
  kill(pauseMs: number): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Sets the wall clock of this and the next processes of the slot off by so much. */
  setClock(offsetMs: number): void;
  /** SIGTERM; resolves with what is wrong about how it ended, undefined when nothing is. */
  terminate(withinMs: number): Promise<string | undefined>;
  /** Makes sure that a process runs; resolves when it listens, or has ended before. */
  ensure(): Promise<void>;
  output(): string;
  /** Kills what is left. */
  end(): Promise<void>;
};

const RESTART_MS = 500;
const PRELOAD = new URL("clock-preload.ts", import.meta.url).href;

export async function openSlot(
  name: string,
  { dir, redis, complain }: { dir: string; redis: ChaosRedis; complain(what: string): void },
  options: Environment,
): Promise<Slot> {
  const { url, gate } = await redis.way();
  const clock = join(dir, `clock-${name}`);
  const env = { ...options, REDIS_URL: url, CHAOS_CLOCK: clock, NODE_OPTIONS: `--import=${PRELOAD}` };
  const outputs: string[] = [];
  let worker: WorkerProcess | undefined;
  let isOver = false;
  const listening = new WeakSet<WorkerProcess>();
  /** Those that were told to end. */
  const ending = new WeakSet<WorkerProcess>();
  /** Those that another fault killed, whatever else had been asked of them. */
  const killed = new WeakSet<WorkerProcess>();

  /** Resolves when the process that runs listens. */
  async function ensure(): Promise<void> {
    if (worker === undefined && !isOver) start();
    await worker?.url.catch(() => {});
  }
  function start(): void {
    const started = startWorkerProcess(env);
    started.url.then(
      () => listening.add(started),
      () => {},
    );
    worker = started;
    void started.exited.then((code) => {
      outputs.push(`${started.output()}\n(${name} ended with ${code})`);
      if (worker === started) worker = undefined;
      if (ending.has(started)) return;
      // A start that meets a login page in a server's place refuses it, as it would a wrong address; whoever supervises it starts it again.
      if (started.output().includes("checks have passed")) complain(`a worker ended by itself with ${code}`);
      else void delay(RESTART_MS).then(ensure);
    });
  }
  return {
    gate,
    ensure,
    async kill(pauseMs) {
      if (worker !== undefined) {
        ending.add(worker);
        killed.add(worker);
      }
      await worker?.stop("SIGKILL");
      await delay(pauseMs);
      void ensure();
    },
    freeze: () => worker?.kill("SIGSTOP"),
    thaw: () => worker?.kill("SIGCONT"),
    setClock(offsetMs) {
      if (offsetMs === 0) rmSync(clock, { force: true });
      writeFileSync(clock, String(offsetMs));
      // One that is ending may have no handler any more, and the signal would kill it.
      if (worker !== undefined && listening.has(worker) && !ending.has(worker)) worker.kill("SIGUSR2");
    },
    async terminate(withinMs) {
      const last = worker;
      // A second SIGTERM ends a process at once, which says nothing about the first.
      if (last === undefined || ending.has(last)) return undefined;
      ending.add(last);
      last.kill("SIGTERM");
      const late = new AbortController();
      const end = await Promise.race([
        last.exited,
        delay(withinMs, "late" as const, { signal: late.signal }).catch(() => "late" as const),
      ]);
      late.abort();
      // Before it listens it may not yet know what SIGTERM means.
      const ends = listening.has(last) && !killed.has(last) ? [0, 75] : [0, 75, null];
      if (end !== "late") return ends.includes(end) ? undefined : `a stopped worker ended with ${end}`;
      await last.stop("SIGKILL");
      return `a stopped worker was still there after ${withinMs} ms`;
    },
    async end() {
      isOver = true;
      if (worker !== undefined) ending.add(worker);
      worker?.kill("SIGCONT");
      await worker?.stop("SIGKILL");
    },
    output: () => [...outputs, worker?.output() ?? ""].join("\n"),
  };
}
