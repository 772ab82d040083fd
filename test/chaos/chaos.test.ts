/** A few chaos runs by the command itself; `npm run chaos` makes as many as wanted. `STUDYCAST_SEED` repeats a run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/chaos.ts");
const SEED = process.env["STUDYCAST_SEED"] ?? String(Math.floor(Math.random() * 1e6));

test(`whatever goes wrong meanwhile, FHIR says in the end what it says after an undisturbed day (seed ${SEED})`, async () => {
  const child = spawn(process.execPath, [SCRIPT, "--runs", "2", "--seed", SEED, "--parallel", "2", "--json"]);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const [code] = await once(child, "close");
  const lines = Buffer.concat(out).toString().trim().split("\n");
  const runs = lines.slice(0, -1).map((line) => JSON.parse(line) as { differences: string[]; faults: string[] });
  expect(runs.map(({ differences, faults }) => ({ differences, faults }))).toEqual(
    runs.map(({ faults }) => ({ differences: [], faults })),
  );
  expect([runs.length, code, Buffer.concat(err).toString()]).toEqual([2, 0, ""]);
}, 240_000);
