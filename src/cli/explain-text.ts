/** The explanation of a study for a person: a table as wide as the terminal. */
import type { ExplainedElement, StudyExplanation } from "../mapping/index.ts";
import type { Rejected } from "../sync.ts";
import type { Io } from "./command.ts";

/** Members of the JSON form. */
export const EXPLANATION_JSON = [
  {
    member: "studies[].study, .instances, .subject, .issues[]",
    about:
      "study key; instances that count; whether a Patient is named (`patient`, `unidentified`, `issuer-unknown`, `device`); all issues: `tag`, `keyword`, `code`, `count`",
  },
  {
    member: "studies[].elements[]",
    about: "one per element and series that is written, or for which there is an attribute: the members below",
  },
  {
    member: "…resource, .element, .slice, .series",
    about: "`Type/id`; path of the element; which items of a list; UID of the series it is of",
  },
  {
    member: "…value or .values[]",
    about:
      "what is written; of elements of instances the most frequent: `value`, `instances`. Absent: nothing is written",
  },
  {
    member: "…from[], .instances",
    about:
      "attributes with a value: `tag`, `keyword`, `within` (the sequence), `instances` that have it; out of how many instances",
  },
  { member: "…rule, .source", about: "the rule applied and where it is from, as in docs/mapping.md" },
  { member: "…notAsked", about: "the name in MAPPING_INCLUDE or PROFILES that would have it written" },
  {
    member: "…votes, .lost[], .issues[]",
    about: "instances that say the value; values that were outvoted, with their instances; issues of these attributes",
  },
  { member: "…changed", about: "true: MAPPING_MODULE has changed the value" },
  { member: "rejected[]", about: "instances that cannot be represented: `series`, `sop`, `code`, `tag`" },
] as const;

/** Prints explanations: a table when standard output is a terminal, else JSON. */
export function printExplanations(
  { studies, rejected }: { studies: readonly StudyExplanation[]; rejected: readonly Rejected[] },
  asJson: boolean,
  io: Io,
): void {
  const { columns } = io;
  if (asJson || columns === undefined) {
    const told = studies.map(({ resources: { study, subject, issues }, instances, elements }) => {
      return { study, instances, subject: subject.kind, elements, issues };
    });
    io.out(`${JSON.stringify({ studies: told, rejected: rejected.map(rejectedFields) }, null, 2)}\n`);
    return;
  }
  for (const study of studies) io.out(explanationText(study, columns));
  for (const { code, tag, sop } of rejected)
    io.out(`rejected: ${code} ${tag ?? ""}, instance ${sop ?? "without UID"}\n`);
}

function rejectedFields({ series, sop, code, tag }: Rejected): Rejected {
  return { series, sop, code, tag };
}

const HEADS = ["Element", "Value", "From", "Rule", "Lost, left out"] as const;
/** Parts of the width, in percent. */
const SHARES = [22, 26, 18, 22, 12] as const;
const MIN_WIDTH = 80;
const MAX_WIDTH = 220;
/** Longer values are cut; --json has them whole. */
const MAX_TEXT = 300;

/** @param columns width of the terminal, in characters */
function explanationText({ resources, instances, elements }: StudyExplanation, columns: number): string {
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns));
  const widths = SHARES.map((share) => Math.floor((share * (width - 2 * HEADS.length)) / 100));
  const rule = widths.map((one) => "-".repeat(one)).join("  ");
  const lines = [
    `Study ${visible(resources.study)}: ${instances} instance(s)`,
    "",
    ...rowLines(HEADS, widths),
    rule,
    ...elements.flatMap((element) => rowLines(cellsOf(element), widths)),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function cellsOf(one: ExplainedElement): string[] {
  const slice = one.slice === undefined ? "" : ` (${one.slice})`;
  const series = one.series === undefined ? "" : `, series ${one.series}`;
  const from = one.from.map(
    ({ tag, keyword, within, instances }) =>
      `${keyword} (${tag.slice(0, 4)},${tag.slice(4)})${within === undefined ? "" : ` in ${within}`}: ${instances} of ${one.instances}`,
  );
  const asked = one.notAsked === undefined ? [] : [`not asked for: MAPPING_INCLUDE ${one.notAsked}`];
  const changed = one.changed === true ? ["changed by MAPPING_MODULE"] : [];
  const lost = one.lost.map(({ value, instances }) => `lost: ${short(value)} (${instances})`);
  const issues = one.issues.map(({ keyword, code, count }) => `${code}: ${keyword} (${count})`);
  return [
    `${one.element}${slice}${series}`,
    valueText(one),
    from.join("; ") || "-",
    `${one.rule} [${one.source}]`,
    [...asked, ...changed, ...lost, ...issues].join("; ") || "-",
  ];
}

function valueText({ value, values, votes, instances }: ExplainedElement): string {
  if (values !== undefined) return values.map((said) => `${short(said.value)} (${said.instances})`).join("; ") || "-";
  if (value === undefined) return "-";
  return votes === undefined ? short(value) : `${short(value)} (${votes} of ${instances})`;
}

function short(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** A value of the archive must not steer the terminal: control and format characters (Unicode C) are shown as U+FFFD. */
function visible(text: string): string {
  return text.replace(/\p{C}/gu, "\u{fffd}");
}

/** One row of the table: cells broken at spaces, where there are any, into lines of their column's width. */
function rowLines(cells: readonly string[], widths: readonly number[]): string[] {
  const columns = cells.map((cell, index) => wrapped(visible(cell), widths[index] ?? 0));
  const height = Math.max(...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    columns
      .map((lines, index) => (lines[line] ?? "").padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = [...text];
  while (rest.length > width) {
    const space = rest.slice(0, width + 1).lastIndexOf(" ");
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end).join(""));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest.join("")];
}
