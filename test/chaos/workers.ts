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
  /** Makes sure that a process runs. */
  ensure(): void;
  output(): string;
  /** Kills what is left. */
  end(): Promise<void>;
};

const PRELOAD = new URL("clock-preload.ts", import.meta.url).href;

export async function openSlot(name: string, dir: string, redis: ChaosRedis, options: Environment): Promise<Slot> {
  const { url, gate } = await redis.way();
  const clock = join(dir, `clock-${name}`);
  const env = { ...options, REDIS_URL: url, CHAOS_CLOCK: clock, NODE_OPTIONS: `--import=${PRELOAD}` };
  const outputs: string[] = [];
  let worker: WorkerProcess | undefined;

  function ensure(): void {
    if (worker !== undefined) return;
    const started = startWorkerProcess(env);
    started.url.catch(() => {});
    worker = started;
    void started.exited.then((code) => {
      outputs.push(`${started.output()}\n(${name} ended with ${code})`);
      if (worker === started) worker = undefined;
    });
  }
  ensure();
  return {
    gate,
    ensure,
    async kill(pauseMs) {
      await worker?.stop("SIGKILL");
      await delay(pauseMs);
      ensure();
    },
    freeze: () => worker?.kill("SIGSTOP"),
    thaw: () => worker?.kill("SIGCONT"),
    setClock(offsetMs) {
      if (offsetMs === 0) rmSync(clock, { force: true });
      writeFileSync(clock, String(offsetMs));
      worker?.kill("SIGUSR2");
    },
    async terminate(withinMs) {
      const ending = worker;
      if (ending === undefined) return undefined;
      ending.kill("SIGTERM");
      const late = new AbortController();
      const end = await Promise.race([
        ending.exited,
        delay(withinMs, "late" as const, { signal: late.signal }).catch(() => "late" as const),
      ]);
      late.abort();
      if (end !== "late") return end === 0 || end === 75 ? undefined : `a stopped worker ended with ${end}`;
      await ending.stop("SIGKILL");
      return `a stopped worker was still there after ${withinMs} ms`;
    },
    async end() {
      worker?.kill("SIGCONT");
      await worker?.stop("SIGKILL");
    },
    output: () => [...outputs, worker?.output() ?? ""].join("\n"),
  };
}
