/** Answers as lines for a terminal, as JSON, and as docs/benchmarks.md. */
import type { Surroundings } from "./environment.ts";
import { type Answer, type Figure, keeps, type Question, type Target } from "./question.ts";

export type Asked = { question: Pick<Question, "name" | "title">; answer: Answer; loadBefore: number; seconds: number };

/** Three significant digits below 1000, whole numbers above. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

export function targetText(target: Target | undefined): string {
  if (target === undefined) return "";
  return "atLeast" in target ? `≥ ${numberText(target.atLeast)}` : `≤ ${numberText(target.atMost)}`;
}

function verdict(figure: Figure): string {
  const kept = keeps(figure);
  if (kept === undefined) return "";
  return kept ? "reached" : "MISSED";
}

export function answerText({ question, answer, loadBefore, seconds }: Asked): string {
  const width = Math.max(...answer.figures.map(({ what }) => what.length));
  const rows = answer.figures.map((figure) => {
    const value = `${numberText(figure.value)} ${figure.unit}`.padStart(18);
    return `  ${figure.what.padEnd(width)} ${value}  ${targetText(figure.target).padEnd(9)} ${verdict(figure)}`.trimEnd();
  });
  const notes = answer.notes.map((note) => `  - ${note}`);
  const head = `${question.name}: ${question.title} (${Math.round(seconds)} s, load before ${loadBefore})`;
  return [head, ...rows, ...notes].join("\n");
}

export function environmentText({ node, cpu, cores, memoryGb, kernel }: Surroundings): string {
  return `Node ${node}, ${cores} × ${cpu}, ${memoryGb} GB, Linux ${kernel}`;
}

/** The results part of docs/benchmarks.md for the questions asked. */
export function answerMarkdown({ question, answer, loadBefore, seconds }: Asked): string {
  const rows = answer.figures.map(
    (figure) =>
      `| ${figure.what} | ${numberText(figure.value)} ${figure.unit} | ${targetText(figure.target)} | ${verdict(figure)} |`,
  );
  return [
    `## ${question.title}`,
    "",
    `\`npm run bench -- ${question.name}\`, ${Math.round(seconds)} s, load average before: ${loadBefore}.`,
    "",
    "| figure | value | target | |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    ...answer.notes.map((note) => `- ${note}`),
    "",
  ].join("\n");
}
