/**
 * `npm run chaos -- [--runs N] [--seed S] [--seeds FILE] [--fhir URL] [--parallel P] [--logs DIR] [--json]`: random days under random faults, each compared
 * with an undisturbed one (test/chaos). Ends with status 1 when a run differs, and names its seed; `--runs 1 --seed S` makes the same plan again.
 *
 * `npm run chaos -- --schedules N [--seed S] [--json]`: instead, N random commit orders against the reader of the change feed, N/10 of them beyond its bounds.
 *
 * The plan (the day, the faults and when they begin) is a pure function of the seed. How processes, disks and networks interleave is not: a seed that
 * failed once may need several tries.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type RunResult, runChaos } from "../test/chaos/run.ts";
import { runSchedules } from "../test/chaos/schedules.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string" },
    seed: { type: "string", default: "1" },
    /** One seed per line, from its first number; the rest of the line is a remark. */
    seeds: { type: "string" },
    fhir: { type: "string" },
    parallel: { type: "string", default: "1" },
    logs: { type: "string" },
    schedules: { type: "string" },
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

async function runInTurn(seeds: number[]): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    const result = await runChaos(seed, { fhir: values.fhir, logs: values.logs });
    results.push(result);
    tell(result);
  }
}

/** Whether no run differs. */
async function runDays(): Promise<boolean> {
  if (values.logs !== undefined) mkdirSync(values.logs, { recursive: true });
  const seeds = seedList();
  await Promise.all(Array.from({ length: Number(values.parallel) }, () => runInTurn(seeds)));
  const differing = results.filter(({ differences }) => differences.length > 0).map(({ seed }) => seed);
  const faults = results.reduce((sum, one) => sum + one.faults.length, 0);
  const seconds = Math.round(results.reduce((sum, one) => sum + one.seconds, 0));
  if (values.json) console.log(JSON.stringify({ summary: { runs: results.length, faults, differing, seconds } }));
  else
    console.log(
      `${results.length} runs, ${faults} faults, ${differing.length} with differences ${differing.join(" ")}`,
    );
  return differing.length === 0;
}

/** Whether nothing was lost within the bounds, and nothing in silence beyond them. */
async function runAllSchedules(count: number): Promise<boolean> {
  let good = true;
  for (const [commits, share] of [
    ["in-time", 1],
    ["late", 0.1],
    ["beyond", 0.1],
  ] as const) {
    const tally = await runSchedules(commits, Math.ceil(count * share), Number(values.seed));
    good &&= tally.bad.length === 0;
    const { bad, ...counts } = tally;
    if (values.json) console.log(JSON.stringify({ commits, ...counts, bad: bad.map(({ seed }) => seed) }));
    else
      console.log(
        `${commits}: ${counts.schedules} schedules, ${counts.entries} entries, ${bad.length} bad${bad.map(({ seed }) => ` ${seed}`).join("")}; ${counts.foundLate} found late, ${counts.givenUp} told of as given up`,
      );
  }
  return good;
}

const isGood = values.schedules === undefined ? await runDays() : await runAllSchedules(Number(values.schedules));
// After hundreds of runs Node 24 does not get through its own clean-up (node::Environment::CleanupHandles waits without end, with a core at work).
process.exit(isGood ? 0 : 1);
