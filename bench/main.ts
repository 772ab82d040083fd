/**
 * `npm run bench [-- name…] [--quick] [--json] [--write]`: asks the questions (all but the longest without names) one after the other and tells the answers.
 * `--write` puts them into docs/benchmarks.md. Exit code 1 when a target is missed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { arrivingStudy } from "./arriving-study.ts";
import { catchUp } from "./catch-up.ts";
import { endChildren } from "./child.ts";
import { load, surroundings } from "./environment.ts";
import { hugeStudy } from "./huge-study.ts";
import { latency } from "./latency.ts";
import { mapping } from "./mapping.ts";
import { keeps, type Question } from "./question.ts";
import { redisBytes } from "./redis-bytes.ts";
import { type Asked, answerText, environmentText, updatedPage } from "./report.ts";
import { scaling } from "./scaling.ts";
import { soak } from "./soak.ts";
import { bigStudies, smallStudies } from "./throughput.ts";

const QUESTIONS: readonly Question[] = [
  mapping,
  bigStudies,
  smallStudies,
  catchUp,
  redisBytes,
  arrivingStudy,
  hugeStudy,
  latency,
  scaling,
  soak,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const unknown = positionals.filter((name) => !QUESTIONS.some((question) => question.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such benchmark: ${unknown.join(", ")}; there are ${QUESTIONS.map((q) => q.name).join(", ")}\n`,
  );
  process.exit(2);
}
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
const say = (line: string) => void process.stderr.write(`${line}\n`);
say(`${environmentText(surroundings())}${values.quick ? "; quick: the numbers mean little" : ""}`);

const all: Asked[] = [];
try {
  for (const question of QUESTIONS) {
    if (positionals.length > 0 ? !positionals.includes(question.name) : question.onlyByName) continue;
    const startedMs = performance.now();
    const loadBefore = load();
    const tell = (line: string) => say(`    ${question.name}: ${line}`);
    const answer = await question.ask({ quick: values.quick, tell, signal: stop.signal });
    const asked: Asked = { question, answer, loadBefore, seconds: (performance.now() - startedMs) / 1000 };
    all.push(asked);
    if (!values.json) process.stdout.write(`${answerText(asked)}\n\n`);
  }
} finally {
  await endChildren();
}
if (values.json) {
  const answers = all.map(({ question, answer, ...rest }) => ({
    name: question.name,
    title: question.title,
    ...rest,
    ...answer,
  }));
  process.stdout.write(`${JSON.stringify({ environment: surroundings(), quick: values.quick, answers }, null, 2)}\n`);
}
if (values.write && !values.quick) {
  const path = resolve(import.meta.dirname, "../docs/benchmarks.md");
  writeFileSync(path, updatedPage(readFileSync(path, "utf8"), surroundings(), all));
}
process.exitCode = all.some(({ answer }) => answer.figures.some((figure) => keeps(figure) === false)) ? 1 : 0;
