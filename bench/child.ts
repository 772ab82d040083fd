/** A Node program as a child process, with its memory and processor time read from /proc (Linux only; elsewhere they are 0). */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "..");
/** The kernel counts processor time in 1/100 s (USER_HZ), whatever its own clock. */
const TICKS_PER_SECOND = 100;
const STOP_MS = 10_000;

export type Child = {
  pid: number;
  /** Resolves with what stands behind the first line of standard output that matches; rejects when the process ends before. */
  line(pattern: RegExp): Promise<string>;
  /** Resident memory now and at most so far, in MB. */
  memory(): { nowMb: number; mostMb: number };
  /** Processor time used so far, in seconds. */
  cpuSeconds(): number;
  /** Open file descriptors now. */
  openFiles(): number;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<number | null>;
  /** SIGTERM, and SIGKILL when that takes too long; resolves at the end. */
  stop(): Promise<void>;
};

/** The flags that `npm start`, the `studycast` program and the container start the worker with. */
export const WORKER_NODE_ARGS = ["--max-semi-space-size=8", "--heap-growing-percent=30"];

export type ChildOptions = {
  env?: Record<string, string>;
  nodeArgs?: string[];
  /** Told each line of both outputs. */
  onLine?: (line: string) => void;
};

const living = new Set<ChildProcess>();

/** Starts `node <program> <args>`; the program's path is relative to the repository. */
export function startChild(program: string, args: readonly string[], options: ChildOptions = {}): Child {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), resolve(ROOT, program), ...args], {
    // Some of the programs end when their standard input does: nothing outlives the benchmark.
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
  });
  living.add(child);
  const pid = child.pid ?? 0;
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const read = (line: string) => {
    options.onLine?.(line);
    lines.push(line);
    if (lines.length > 200) lines.shift();
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", read);
  let ended = false;
  const exited = once(child, "close").then(([code]) => {
    ended = true;
    living.delete(child);
    for (const look of waiting) look();
    return typeof code === "number" ? code : null;
  });
  return {
    pid,
    line: (pattern) =>
      new Promise((found, failed) => {
        const look = () => {
          const match = lines.map((line) => pattern.exec(line)).find((hit) => hit !== null);
          if (!match && !ended) return;
          waiting.delete(look);
          if (match) found(match[1] ?? match[0]);
          else failed(new Error(`${program} has ended:\n${lines.join("\n")}`));
        };
        waiting.add(look);
        look();
      }),
    memory: () => ({ nowMb: statusMb(pid, "VmRSS"), mostMb: statusMb(pid, "VmHWM") }),
    cpuSeconds: () => cpuSeconds(pid),
    openFiles: () => openFiles(pid),
    kill: (signal) => void child.kill(signal),
    exited,
    async stop() {
      child.kill("SIGTERM");
      child.stdin.end();
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await exited;
      clearTimeout(late);
    },
  };
}

/** Ends what is left, at once; for the end of a benchmark that failed. */
export async function endChildren(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    }),
  );
}

function statusMb(pid: number, name: string): number {
  const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(proc(pid, "status"))?.[1];
  return Math.round(Number(kb ?? 0) / 1024);
}

function cpuSeconds(pid: number): number {
  // The name in brackets may hold spaces; user and system time are the 12th and 13th field behind it.
  const fields = (proc(pid, "stat").split(") ")[1] ?? "").split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
