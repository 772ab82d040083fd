/** The real command line as a child process: `studycast start` with its log lines, and one-shot commands with their output. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = resolve(import.meta.dirname, "../../bin/studycast.cjs");

export type Environment = Record<string, string>;

/** Times scaled down, so that what takes minutes in production takes a second here. */
export const FAST: Environment = {
  HTTP_PORT: "0",
  LOG_LEVEL: "info",
  POLL_MIN_MS: "20",
  POLL_MAX_MS: "100",
  SETTLE_MIN_MS: "0",
  SETTLE_MAX_MS: "200",
  GRACE_MS: "1000",
  REREAD_MS: "3000",
  BACKOFF_CAP_MS: "500",
  RECHECK_MS: "1000",
  LEASE_MS: "1500",
  LOCK_MS: "1500",
  STALLED_MS: "700",
  HEAL_MS: "500",
  SHUTDOWN_MS: "5000",
  PATIENT_ID_SYSTEM: "urn:oid:2.25.1",
  SOURCE_ID: "test",
};

export type WorkerProcess = {
  pid: number;
  /** Resolves with the address of its HTTP server. */
  url: Promise<string>;
  /** All it has written, standard output and error. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end; resolves with the exit code, null when a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  exited: Promise<number | null>;
};

const running = new Set<ChildProcess>();

/** Starts `studycast start` (or with more arguments) with these options and nothing of this process's own environment but PATH and HOME. */
export function startWorkerProcess(options: Environment, args: string[] = []): WorkerProcess {
  const child = spawn(process.execPath, [PROGRAM, "start", ...args], {
    env: environment({ ...FAST, ...options }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const lines: string[] = [];
  const url = Promise.withResolvers<string>();
  url.promise.catch(() => {});
  const read = (line: string) => {
    lines.push(line);
    const found = /"url":"(http:[^"]+)"/.exec(line);
    if (found?.[1] !== undefined) url.resolve(found[1]);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", read);
  const exited = once(child, "close").then(([code]) => {
    running.delete(child);
    url.reject(new Error(`the worker ended before it listened:\n${lines.join("\n")}`));
    return typeof code === "number" ? code : null;
  });
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return {
    pid: child.pid ?? 0,
    url: url.promise,
    output: () => lines.join("\n"),
    kill,
    stop(signal = "SIGTERM") {
      kill(signal);
      return exited;
    },
    exited,
  };
}

/** Ends every worker process that is still there; for `afterEach`. */
export async function endWorkerProcesses(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = once(child, "close");
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      await closed;
    }),
  );
}

export type CommandResult = { code: number | null; stdout: string; stderr: string };

/** Runs one command to its end. */
export async function runCommand(args: string[], options: Environment = {}, input = ""): Promise<CommandResult> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: environment(options),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = await once(child, "close");
  return {
    code: typeof code === "number" ? code : null,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}

function environment(options: Environment): Environment {
  const own: Environment = {};
  for (const name of ["PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "LD_LIBRARY_PATH"]) {
    const value = process.env[name];
    if (value !== undefined) own[name] = value;
  }
  return { ...own, ...options };
}
