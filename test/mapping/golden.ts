/**
 * The cases of test/fixtures/mapping. Each folder holds `metadata.json` (WADO-RS metadata: an array of instances), where needed `options.json`, and
 * `r4.json`: what the mapping rules demand of it, written by hand. It names elements by resource; `null` demands that an element is absent.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type MappedDatasets, type MappingOptions, mapDatasets } from "../../src/mapping/index.ts";
import { OPTIONS } from "./datasets.ts";

const folder = join(import.meta.dirname, "../fixtures/mapping");

export type Expected = {
  rule: string;
  patient?: Record<string, unknown> | null;
  study?: Record<string, unknown>;
  /** By position. */
  series?: Record<string, unknown>[];
  issues?: string[];
  rejected?: { tag: string }[];
};

export type GoldenCase = { name: string; datasets: unknown[]; expected: Expected; mapped: MappedDatasets<"R4"> };

function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(folder, ...path), "utf8"));
}

export function goldenCases(): GoldenCase[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const datasets = readJson(name, "metadata.json") as unknown[];
      const given = existsSync(join(folder, name, "options.json")) ? readJson(name, "options.json") : {};
      const options = { ...OPTIONS, ...(given as Partial<MappingOptions>), fhirVersion: "R4" as const };
      const mapped = mapDatasets(datasets, options, "http://dicom.example/v2");
      return { name, datasets, expected: readJson(name, "r4.json") as Expected, mapped };
    });
}
