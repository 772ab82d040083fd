/** The demo as a child process in a temporary folder of its own, and what is left of it afterwards. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/demo.ts");

export type Demo = {
  child: ChildProcess;
  /** The folder it has for temporary files. */
  folder: string;
  stdout(): string;
  stderr(): string;
  /** Resolves when standard output or error has this in it. */
  shown(text: string | RegExp): Promise<void>;
  /** Exit code and signal. */
  ended: Promise<[number | null, NodeJS.Signals | null]>;
};

const demos = new Set<Demo>();

/** Starts it by node, or by another command such as `["npm", "run", "-s", "demo", "--"]`. */
export async function startDemo(args: string[], command = [process.execPath, SCRIPT]): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), "demo-test-"));
  const [program = "", ...first] = command;
  const child = spawn(program, [...first, ...args], {
    env: { ...process.env, TMPDIR: folder, NODE_DISABLE_COMPILE_CACHE: "1" }, // npm keeps such a cache there
    cwd: resolve(import.meta.dirname, "../.."),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own, to which Ctrl-C goes
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on("data", (part: Buffer) => out.push(part));
  child.stderr?.on("data", (part: Buffer) => err.push(part));
  const text = (parts: Buffer[]) => Buffer.concat(parts).toString();
  let isOver = false;
  const ended = once(child, "exit").then(([code, signal]): Awaited<Demo["ended"]> => {
    isOver = true;
    return [code, signal];
  });
  const demo: Demo = {
    child,
    folder,
    stdout: () => text(out),
    stderr: () => text(err),
    async shown(wanted) {
      const isShown = () =>
        [text(out), text(err)].some((all) => (typeof wanted === "string" ? all.includes(wanted) : wanted.test(all)));
      while (!isShown()) {
        if (isOver) throw new Error(`the demo ended without ${wanted}:\n${text(out)}\n${text(err)}`);
        await delay(20);
      }
    },
    ended,
  };
  demos.add(demo);
  return demo;
}

/** Ctrl-C in a terminal: the signal goes to all processes of the group. */
export function pressCtrlC({ child }: Demo): void {
  if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
}

/** Command lines of living processes with the demo's folder in their environment, and what lies in that folder; empty when nothing is left. */
export async function leftovers({ folder }: Demo): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "");
      const isOurs = (await read("environ")).split("\0").includes(`TMPDIR=${folder}`);
      return isOurs ? (await read("cmdline")).replaceAll("\0", " ") : "";
    }),
  );
  return [...lines.filter((line) => line !== ""), ...(await readdir(folder))];
}

/** What is left after at most `limitMs`. */
export async function leftoversWithin(demo: Demo, limitMs: number): Promise<string[]> {
  for (const end = Date.now() + limitMs; ; await delay(50)) {
    const left = await leftovers(demo);
    if (left.length === 0 || Date.now() > end) return left;
  }
}

/** For `afterEach`. */
export async function endDemos(): Promise<void> {
  for (const demo of demos) {
    try {
      if (demo.child.pid !== undefined) process.kill(-demo.child.pid, "SIGKILL");
    } catch {
      // the whole group is gone
    }
    await demo.ended;
    await leftoversWithin(demo, 5000);
    await rm(demo.folder, { recursive: true, force: true });
    demos.delete(demo);
  }
}
