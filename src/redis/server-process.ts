/**
 * Runs one redis-server as a child that cannot outlive this process, and that nobody else can start in the same folder.
 *
 * Between the two stands a shell. It holds a kernel lock on `lockFile` (released by the kernel whenever the shell ends, so a killed owner never
 * leaves a stale lock) and reads a pipe of ours: when this process is gone, even by SIGKILL, the pipe ends, and the shell ends the server. The lock
 * is held until the server is really gone. The server does not hold it: should the shell alone be killed, the next starter gets the lock, finds
 * the orphan on the socket and shuts it down first.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect, Socket } from "node:net";
import type { Environment, ServerBinary } from "./server-binary.ts";

/** Exit status of the shell when another process holds the lock. */
const LOCKED = 75;

// flock is part of every Debian and of busybox; perl of macOS. Without either there is no lock, only the question whether the socket answers.
const GUARD = `
lock=$1; remove=$2; shift 2
exec 3<&0 9>>"$lock"
if command -v flock >/dev/null 2>&1; then flock -n 9 || exit ${LOCKED}
elif command -v perl >/dev/null 2>&1; then perl -e 'use Fcntl ":flock"; open(L, ">&=", 9); flock(L, LOCK_EX | LOCK_NB) or exit 1' || exit ${LOCKED}
fi
echo held
"$@" 3<&- 9>&- </dev/null >/dev/null & server=$!
trap 'kill $server 2>/dev/null' TERM
trap 'kill -9 $server 2>/dev/null' USR1
(trap - TERM USR1; while read -r line <&3; do :; done; kill -TERM $$) 9>&- & watch=$!
wait $server; status=$?
while kill -0 $server 2>/dev/null; do wait $server; status=$?; done
kill $watch 2>/dev/null
if [ -n "$remove" ]; then rm -rf "$remove"; fi
exit $status
`;

export type ServerProcess = {
  /** Resolves when it is known whether the lock is ours: true, or false when the server was never started. */
  held: Promise<boolean>;
  /** Resolves when the server and its shell are gone. `locked`: it never started, another process holds the lock. */
  exited: Promise<"ended" | "locked">;
  /** From now on neither the server nor its pipes keep this process alive. */
  background(): void;
  /** Ends the server in order (what is to be saved is saved); kills it when that takes longer than `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
  /** Kills the server at once. */
  kill(): Promise<void>;
};

/** Starts the server under the shell described above. `removeDir`, if given, is deleted after the server has ended. */
export function spawnServer(
  binary: ServerBinary,
  args: readonly string[],
  options: { env: Environment; lockFile: string; removeDir?: string },
): ServerProcess {
  const child: ChildProcess = spawn(
    "/bin/sh",
    ["-c", GUARD, "sh", options.lockFile, options.removeDir ?? "", binary.command, ...args],
    // detached: Ctrl-C in a terminal must reach us only, the server is stopped after its last client
    { env: { ...options.env, ...binary.env }, stdio: ["pipe", "pipe", "ignore"], detached: true },
  );
  const exited = new Promise<"ended" | "locked">((resolve) => {
    child.once("error", () => resolve("ended"));
    child.once("exit", (status) => resolve(status === LOCKED ? "locked" : "ended"));
  });
  const held = new Promise<boolean>((resolve) => {
    child.stdout?.once("data", () => resolve(true));
    void exited.then(() => resolve(false));
  });
  child.stdin?.on("error", () => {});
  return {
    held,
    exited,
    background: () => unrefAll(child),
    async stop(deadlineMs) {
      child.ref();
      child.stdin?.end();
      const timer = setTimeout(() => child.kill("SIGUSR1"), deadlineMs);
      await exited;
      clearTimeout(timer);
    },
    async kill() {
      child.ref();
      child.kill("SIGUSR1");
      await exited;
    },
  };
}

function unrefAll(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
}

/** Whether a Redis answers PING on this Unix socket within a second; a Redis that is loading its data or asks for a password does not yet count. */
export async function answersOn(socketPath: string): Promise<boolean> {
  return (await ask(socketPath, "PING")).startsWith("+PONG");
}

/** Whether anything at all listens on this Unix socket. */
export async function listensOn(socketPath: string): Promise<boolean> {
  return (await ask(socketPath, "PING")) !== "";
}

/** Asks a Redis that nobody owns any more to save and end. */
export async function shutDown(socketPath: string): Promise<void> {
  await ask(socketPath, "SHUTDOWN");
}

function ask(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => end(""));
    socket.once("error", () => end(""));
    socket.once("close", () => end(""));
    socket.once("connect", () => socket.write(`${command}\r\n`));
    socket.once("data", (data) => end(data.toString()));
  });
}
