/**
 * `npm run crash-points [-- operation… --label TEXT --list --json]`: kills the worker at every request it makes, on both sides of it, for every operation
 * (test/crash/operations.ts), and compares what comes of it; `--list` only tells the points, `--label` takes those whose label has the text. Exit code 1 when anything differs.
 */
import { parseArgs } from "node:util";
import { endWorkerProcesses } from "../support/worker-process.ts";
import { crashPass, type PassResult } from "./crash-pass.ts";
import { OPERATIONS } from "./operations.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    label: { type: "string", default: "" },
  },
});
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
const say = (line: string) => void process.stderr.write(`${line}\n`);

const results: PassResult[] = [];
const labels = new Set<string>();
for (const operation of OPERATIONS) {
  if (stop.signal.aborted || (positionals.length > 0 && !positionals.includes(operation.name))) continue;
  const startedMs = performance.now();
  const takes = ({ label, nth }: { label: string; nth: number }) => {
    labels.add(label);
    if (values.list) say(`${operation.name}: ${label} #${nth}`);
    return !values.list && label.includes(values.label);
  };
  const result = await crashPass(operation, { takes, tell: say, signal: stop.signal });
  results.push(result);
  const { points, runs, killed, differences } = result;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  say(
    `${operation.name}: ${points} points, ${runs} runs, ${killed} kills, ${differences.length} differences, ${seconds} s`,
  );
}
await endWorkerProcesses();

const total = (of: (result: PassResult) => number) => results.reduce((sum, result) => sum + of(result), 0);
const report = {
  complete: !stop.signal.aborted && results.every(({ taken, runs }) => runs === 2 * taken),
  points: total(({ points }) => points),
  labels: labels.size,
  runs: total(({ runs }) => runs),
  killed: total(({ killed }) => killed),
  differences: results.flatMap(({ differences }) => differences),
  operations: results,
};
if (values.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
process.exitCode = report.differences.length === 0 && report.complete ? 0 : 1;
