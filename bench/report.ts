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

/** docs/benchmarks.md with these answers in place of older ones to the same questions. What stands before the first answer is kept. */
export function updatedPage(page: string, environment: Surroundings, asked: readonly Asked[]): string {
  const [head = "", ...sections] = page.split(/^(?=## )/m);
  const titleOf = (section: string) => /^## (.*)$/m.exec(section)?.[1];
  const answers = new Map(sections.map((section) => [titleOf(section), section]));
  for (const one of asked) answers.set(one.question.title, answerMarkdown(one, environment));
  return [head, ...answers.values()]
    .map((section) => section.trimEnd())
    .join("\n\n")
    .concat("\n");
}

function answerMarkdown({ question, answer, loadBefore, seconds }: Asked, environment: Surroundings): string {
  const rows = answer.figures.map(
    (figure) =>
      `| ${figure.what} | ${numberText(figure.value)} ${figure.unit} | ${targetText(figure.target)} | ${verdict(figure)} |`,
  );
  return [
    `## ${question.title}`,
    "",
    `\`npm run bench -- ${question.name}\`: ${Math.round(seconds)} s on ${environmentText(environment)}; load average before it: ${loadBefore}.`,
    "",
    "| figure | value | target | |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    ...answer.notes.map((note) => `- ${note}`),
    "",
  ].join("\n");
}
