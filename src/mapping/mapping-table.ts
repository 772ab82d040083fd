import { type Include, PROFILES } from "./includes.ts";
import type { RowOwnership } from "./ownership.ts";
import { R6_DIFFERENCES } from "./r6.ts";
import { type FhirVersion, type MappingRow, targetIn } from "./rows/row.ts";
import { MAPPING_ROWS } from "./rows.ts";
import { tagOf } from "./tags.ts";

/** The rows as a Markdown table, for docs/mapping.md. */
export function mappingTable(): string {
  const lines = MAPPING_ROWS.map((row) => {
    const tags = row.tags.map((keyword) => `(${tagOf(keyword).slice(0, 4)},${tagOf(keyword).slice(4)}) ${keyword}`);
    const rule = row.optIn === undefined ? row.rule : `Only with ${optionOf(row.optIn)} \`${row.optIn}\`. ${row.rule}`;
    const cells = [
      cell(row, "R4"),
      cell(row, "R5"),
      tags.join(", ") || "–",
      rule,
      ownershipText(row.ownership),
      row.source,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| FHIR R4 | FHIR R5 | DICOM | Rule | Ours | Source |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

/** What R6 is known to change, as a Markdown table. */
export function r6Table(): string {
  const lines = R6_DIFFERENCES.map(({ target, r5, r6 }) => `| \`${target}\` | ${r5} | ${r6} |`);
  return ["| Element | R5 | R6 |", "| --- | --- | --- |", ...lines].join("\n");
}

function cell(row: MappingRow, version: FhirVersion): string {
  const target = targetIn(row, version);
  if (target === undefined) return "–";
  if (version === "R5" && typeof row.target === "string") return "the same";
  return row.slice === undefined ? `\`${target}\`` : `\`${target}\` (${row.slice})`;
}

function optionOf(name: Include): string {
  return name in PROFILES ? "PROFILES" : "MAPPING_INCLUDE";
}

function ownershipText(ownership: RowOwnership): string {
  switch (ownership.kind) {
    case "identity":
      return "when created";
    case "list":
      return `membership, by ${ownership.key}`;
    case "whole":
      if (ownership.unless !== undefined) return "whole; without a value others' stays";
      return "keepWhenAbsent" in ownership ? "whole; never emptied" : "whole";
    case "values":
      return "these values";
    case "items":
      return ownership.owner.by === "presence"
        ? "added when missing, never removed"
        : `items by ${ownerText(ownership.owner)}`;
  }
}

function ownerText(owner: Exclude<Extract<RowOwnership, { kind: "items" }>["owner"], { by: "presence" }>): string {
  switch (owner.by) {
    case "system":
      return `system \`${owner.system}\``;
    case "type-code":
      return `type ${owner.code}`;
    case "identifier-type-code":
      return `identifier type ${owner.code}`;
    case "reference":
      return "reference";
    case "url":
      return "url";
    case "extension":
      return "extension";
  }
}
