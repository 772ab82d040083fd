/**
 * `npm run chaos -- [--runs N] [--seed S] [--seeds FILE] [--fhir URL] [--parallel P] [--logs DIR] [--json]`: random days under random faults, each compared
 * with an undisturbed one (test/chaos). Ends with status 1 when a run differs, and names its seed; `--runs 1 --seed S` makes the same plan again.
 *
 * The plan (the day, the faults and when they begin) is a pure function of the seed. How processes, disks and networks interleave is not: a seed that
 * failed once may need several tries.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type RunResult, runChaos } from "../test/chaos/run.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string" },
    seed: { type: "string", default: "1" },
    /** One seed per line, from its first number; the rest of the line is a remark. */
    seeds: { type: "string" },
    fhir: { type: "string" },
    parallel: { type: "string", default: "1" },
    logs: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

function seedList(): number[] {
  const first = Number(values.seed);
  if (values.seeds === undefined) return Array.from({ length: Number(values.runs ?? "10") }, (_, n) => first + n);
  const lines = readFileSync(values.seeds, "utf8").split("\n");
  const listed = lines.flatMap((line) => /^\s*(\d+)/.exec(line)?.slice(1).map(Number) ?? []);
  return listed.slice(0, Number(values.runs ?? listed.length));
}

if (values.logs !== undefined) mkdirSync(values.logs, { recursive: true });
const seeds = seedList();
const results: RunResult[] = [];

function tell(result: RunResult): void {
  if (values.json) console.log(JSON.stringify(result));
  else if (result.differences.length === 0)
    console.log(`seed ${result.seed}: ${result.faults.length} faults, equal (${result.seconds} s)`);
  else
    console.log(
      `seed ${result.seed}: DIFFERS (${result.redis}, ${result.workers} workers)\n  ${[...result.faults, "", ...result.differences].join("\n  ")}`,
    );
}

async function runInTurn(): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    const result = await runChaos(seed, { fhir: values.fhir, logs: values.logs });
    results.push(result);
    tell(result);
  }
}
await Promise.all(Array.from({ length: Number(values.parallel) }, runInTurn));

const differing = results.filter(({ differences }) => differences.length > 0).map(({ seed }) => seed);
const summary = {
  runs: results.length,
  faults: results.reduce((sum, { faults }) => sum + faults.length, 0),
  differing,
  seconds: Math.round(results.reduce((sum, { seconds }) => sum + seconds, 0)),
};
if (values.json) console.log(JSON.stringify({ summary }));
else
  console.log(
    `${summary.runs} runs, ${summary.faults} faults, ${differing.length} with differences${differing.length > 0 ? `: seeds ${differing.join(", ")}` : ""}`,
  );
process.exitCode = differing.length > 0 ? 1 : 0;
