import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { image } from "../../contract/dicom/target.ts";

const main = resolve(import.meta.dirname, "../../../emulators/dicom/main.ts");
const running = new Set<ChildProcess>();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "studycast-dicom-"));
});
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function ready(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    const url = /^READY (http:\/\/127\.0\.0\.1:\d+)$/m.exec(text)?.[1];
    if (url) return url;
  }
  throw new Error("it ended before it was ready");
}

test("--load stores a folder in order of its paths; SIGTERM ends it with 0", async () => {
  writeFileSync(join(folder, "b.dcm"), image({ patientId: "second" }));
  writeFileSync(join(folder, "a.dcm"), image({ patientId: "first" }));
  writeFileSync(join(folder, "c.txt"), "no DICOM");
  const child = start("--port", "0", "--load", folder);
  const url = await ready(child);
  const feed = (await (await fetch(`${url}/v1/changefeed`)).json()) as {
    metadata: Record<string, { Value: string[] }>;
  }[];
  expect(feed.map(({ metadata }) => metadata["00100020"]?.Value[0])).toEqual(["first", "second"]);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("with --parent-pipe it ends when its parent's pipe closes", async () => {
  const child = start("--parent-pipe", "--partitions");
  const url = await ready(child);
  expect((await fetch(`${url}/v2/partitions`)).status).toBe(200);
  child.stdin?.end();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test.each([
  ["--prot", "1"],
  ["--port", "x"],
  ["--load", "/nowhere/at/all"],
  ["--synthetic", "studies=x"],
])("%s %s ends with a sentence and exit code 1", async (...args) => {
  const child = start(...args);
  let text = "";
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(text).toContain("Usage: npm run emulator:dicom");
  expect(text).not.toMatch(/\n\s+at /);
});
