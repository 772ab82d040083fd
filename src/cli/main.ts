/** The program: command line, signals, exit code. This file does things when it is imported, and besides it only the one it imports first. */
import "./drop-debug.ts";
import type { Io } from "./command.ts";
import { runCommandLine } from "./program.ts";
import { report } from "./report.ts";

/** How long handles that should be closed may keep the process alive after its work is done. */
const LINGER_MS = 2000;
/** How long the second signal's abort may take. */
const ABORT_MS = 3000;

const stop = new AbortController();
const abort = new AbortController();

const io: Io = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY === true,
  columns: process.stdout.isTTY === true ? process.stdout.columns : undefined,
  async readStdin() {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString("utf8");
  },
};

function onSignal(): void {
  if (!stop.signal.aborted) {
    stop.abort();
    return;
  }
  if (abort.signal.aborted) process.exit(75);
  abort.abort();
  setTimeout(() => process.exit(75), ABORT_MS).unref();
}

/** An error nobody waited for: nothing is known of the process any more, so it ends; all that is pending is in Redis. */
function onUnexpected(thrown: unknown): void {
  const { text } = report(thrown);
  process.stderr.write(text);
  process.exit(75);
}

/** `studycast status | head -1` closes the pipe early; that is no error. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}

async function main(): Promise<void> {
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, onSignal);
  process.on("uncaughtException", onUnexpected);
  process.on("unhandledRejection", onUnexpected);
  process.stdout.on("error", onOutputError);
  try {
    await runCommandLine(process.argv.slice(2), { io, env: process.env, stop: stop.signal, abort: abort.signal });
  } catch (thrown) {
    const { text, exitCode } = report(thrown);
    io.err(text);
    process.exitCode = exitCode;
  }
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

await main();
