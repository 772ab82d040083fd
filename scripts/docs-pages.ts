/** The pages of docs/ that are printed from code: path → text. Pure, so that a test can compare them with what is committed. */

import type { Command } from "../src/cli/command.ts";
import { EXIT_CODES, exitCodeOf } from "../src/cli/exit-codes.ts";
import { COMMANDS } from "../src/cli/program.ts";
import { flagOf, GROUPS, type Option, optionList } from "../src/config.ts";
import { ERRORS, type ErrorCode } from "../src/errors.ts";
import { LOG_FIELDS } from "../src/log.ts";
import { ISSUE_CODES, mappingTable, r6Table } from "../src/mapping/index.ts";
import { METRIC_PREFIX, METRICS } from "../src/metrics.ts";
import { productionDependencies } from "./licences.ts";

export function docsPages(): Readonly<Record<string, string>> {
  return {
    "docs/configuration.md": page("Configuration", configuration()),
    "docs/errors.md": page("Errors", errors()),
    "docs/metrics.md": page("Metrics", metrics()),
    "docs/logs.md": page("Logs", logs()),
    "docs/cli.md": page("Commands", cli()),
    "docs/mapping.md": page("Mapping", mapping()),
    "docs/licences.md": page("Licences", licences()),
  };
}

const page = (title: string, parts: readonly string[]) =>
  `<!-- Printed from the code by \`npm run docs\`; do not edit. -->\n# ${title}\n\n${parts.join("\n\n").trimEnd()}\n`;

/** A table cell: a bar would end it. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

function configuration(): string[] {
  const groups = Object.entries(GROUPS).map(([group, title]) => {
    const rows = optionList()
      .filter(([, option]) => option.group === group)
      .map(([name, option]) => [
        `\`${name}\``,
        option.about + extras(name, option),
        values(option),
        defaultText(option),
      ]);
    return `## ${title}\n\n${table(["Option", "What it is", "Values", "Default"], rows)}`;
  });
  return [
    "An option is given by a flag (`DICOM_URL` → `--dicom-url`), by an environment variable, or in `studycast.config.json` (another file: `--config FILE`), which is a JSON object of options by name. A flag wins over the environment, that over the file, that over the default. An empty text counts as not given. Secrets have no flag, because other users of a machine can see a process's flags; `NAME_FILE` names a file that holds the value.",
    "Problems are told all at once, each with the option, its value (never a secret) and what is expected.",
    ...groups,
  ];
}

function extras(name: string, option: Option): string {
  const file = option.fileToo ? ` Or \`${name}_FILE\`${option.secret ? "; no flag" : ""}.` : "";
  return file + (option.example === undefined ? "" : ` Example: \`${option.example}\`.`);
}

function values(option: Option): string {
  switch (option.kind) {
    case "choice":
      return option.choices.map((choice) => `\`${choice}\``).join(", ");
    case "integer":
    case "number":
      return `${option.min} to ${option.max}`;
    case "ms":
      return "milliseconds";
    case "systems":
    case "codes":
    case "terms":
      return "map";
    case "names":
      return Object.entries(option.names)
        .map(([name, what]) => `\`${name}\`: ${what}`)
        .join("; ");
    case "system":
      return "URI";
    case "url":
    case "public-url":
      return "URL";
    case "time-zone":
      return "IANA zone";
    default:
      return "text";
  }
}

function defaultText({ default: value }: Option): string {
  if (value === undefined || typeof value === "object") return "";
  return `\`${value}\``;
}

function errors(): string[] {
  const rows = Object.entries(ERRORS).map(([code, row]) => [
    `\`${code}\``,
    row.class,
    String(exitCodeOf(code as ErrorCode)),
    `\`${METRIC_PREFIX}${metricOf(code as ErrorCode)}\``,
    row.message,
    row.hint,
  ]);
  return [
    "**transient**: tried again without end. **waiting**: only a change elsewhere can cure it; looked at again after `RECHECK_MS`. **permanent**: a person must act; the study is kept as failed until `studycast retry`.",
    table(["Code", "Class", "Exit code", "Metric", "What it means", "What to do"], rows),
  ];
}

/** The metric whose label tells the code; during the start it is `start_errors_total` for all of them. */
function metricOf(code: ErrorCode): keyof typeof METRICS {
  if (code === "FEED_LATE") return "feed_entries_late_total";
  if (code === "FEED_ENTRY_INVALID") return "feed_entries_rejected_total";
  if (code.startsWith("INSTANCE_")) return "instances_rejected_total";
  if (code.startsWith("FEED_")) return "feed_errors_total";
  if (
    /^(CONFIG|HTTP|STATE)_|^FHIR_(NO_|NOT_|VERSION)|^REDIS_(MISSING|IN_USE|NOT_|VERSION|EVICTION|PERSISTENCE)/.test(
      code,
    )
  )
    return "start_errors_total";
  if (code.startsWith("REDIS_")) return "redis_errors_total";
  if (code === "ABORTED") return "request_seconds";
  const { class: errorClass } = ERRORS[code];
  if (errorClass === "waiting") return "waiting_studies";
  return errorClass === "permanent" ? "sync_failures_total" : "sync_retries_total";
}

function metrics(): string[] {
  const rows = Object.entries(METRICS).map(([name, row]) => [
    `\`${METRIC_PREFIX}${name}\``,
    row.type,
    "labels" in row ? row.labels.map((label) => `\`${label}\``).join(", ") : "",
    row.help,
  ]);
  return [
    "At `/metrics`, in Prometheus' text format. No label holds a study or a person. Beside these there are Node's own (`studycast_process_*`, `studycast_nodejs_*`).",
    table(["Metric", "Type", "Labels", "What it is"], rows),
  ];
}

function logs(): string[] {
  const rows = Object.entries(LOG_FIELDS).map(([field, about]) => [`\`${field}\``, about]);
  return [
    "JSON lines on standard output: `level`, `time` (ISO 8601), `msg` and fields of this table, no others. No names, patient IDs, birth dates, accession numbers, Patient resource ids, URLs with identifiers, or texts of servers.",
    table(["Field", "What it is"], rows),
  ];
}

function cli(): string[] {
  const codes = Object.entries(EXIT_CODES).map(([code, meaning]) => [code, meaning]);
  return [
    "Every command takes `--help` and `--config FILE`, and options as flags ([configuration](configuration.md)). Results go to standard output; progress and errors go to standard error, one line each: `CODE: what. Try: what to do` ([errors](errors.md)).",
    `## Exit codes\n\n${table(["Code", "Meaning"], codes)}`,
    "Members that `--json` prints are a contract; readers ignore those they do not know.",
    ...COMMANDS.map(commandText),
  ];
}

function commandText({ name, summary, details = [], args = [], flags = [], options, examples, json }: Command): string {
  const all = optionList().length;
  const own = [
    ...args.map(({ name: arg, about }) => [`\`${arg}\``, about]),
    ...flags.map(({ flag, about }) => [`\`${flag}\``, about]),
  ];
  const taken = options.length === all ? "all options" : options.map((option) => `\`${flagOf(option)}\``).join(", ");
  return [
    `## studycast ${name}`,
    summary,
    ...details,
    ...(own.length > 0 ? [table(["Argument or flag", "What it does"], own)] : []),
    `Options: ${taken}.`,
    `\`\`\`sh\n${examples.map((e) => `${e.command}   # ${e.about}`).join("\n")}\n\`\`\``,
    ...(json === undefined
      ? []
      : [
          `JSON:\n\n${table(
            ["Member", "What it is"],
            json.map(({ member, about }) => [member, about]),
          )}`,
        ]),
  ].join("\n\n");
}

function mapping(): string[] {
  const issues = Object.entries(ISSUE_CODES).map(([code, { effect, text }]) => [`\`${code}\``, effect, text]);
  return [
    "What becomes of DICOM attributes. `studycast map` shows it for metadata of your own, offline.",
    mappingTable(),
    `## Values left out or in doubt\n\n${table(["Code", "Effect", "What it is"], issues)}`,
    `## What R6 will change\n\nKnown so far; nothing is written by it yet.\n\n${r6Table()}`,
  ];
}

function licences(): string[] {
  return [
    "What the image and an installed package bring along, by the lock file. `npm run audit` checks that only allowed licences occur, and asks the registry for known weaknesses.",
    table(
      ["Package", "Version", "Licence"],
      productionDependencies().map(({ name, version, licence }) => [`\`${name}\``, version, licence]),
    ),
  ];
}
