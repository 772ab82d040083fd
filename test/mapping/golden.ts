/**
 * The cases of test/fixtures/mapping. Each folder holds `metadata.json` (WADO-RS metadata: an array of instances), where needed `options.json`, and
 * `r4.json` and `r5.json`: what the mapping rules demand of it, written by hand. They name elements by resource; `null` demands that an element is absent.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Include,
  type MappedDatasets,
  type MappingOptions,
  mapDatasets,
  type SupportingType,
} from "../../src/mapping/index.ts";
import { OPTIONS } from "./datasets.ts";

const folder = join(import.meta.dirname, "../fixtures/mapping");

export type Expected = {
  rule: string;
  patient?: Record<string, unknown> | null;
  study?: Record<string, unknown>;
  /** By position. */
  series?: Record<string, unknown>[];
  /** By position: WADO-RS first. */
  endpoints?: Record<string, unknown>[];
  /** Devices and the like, by position: ordered by id. */
  supporting?: Record<string, unknown>[];
  issues?: string[];
  rejected?: { tag: string }[];
};

export type GoldenCase = {
  name: string;
  datasets: unknown[];
  expected: Expected;
  mapped: MappedDatasets<"R4">;
  r5: { expected: Expected; mapped: MappedDatasets<"R5"> };
};

function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(folder, ...path), "utf8"));
}

export function goldenCases(): GoldenCase[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const datasets = readJson(name, "metadata.json") as unknown[];
      const options = { ...OPTIONS, ...givenOptions(name) };
      const map = (version: "R4" | "R5") =>
        mapDatasets(datasets, { ...options, fhirVersion: version }, "http://dicom.example/v2");
      const expected = readJson(name, "r4.json") as Expected;
      const r5 = { expected: readJson(name, "r5.json") as Expected, mapped: map("R5") as MappedDatasets<"R5"> };
      return { name, datasets, expected, mapped: map("R4") as MappedDatasets<"R4">, r5 };
    });
}

function givenOptions(name: string): Partial<MappingOptions> {
  if (!existsSync(join(folder, name, "options.json"))) return {};
  type Given = Omit<Partial<MappingOptions>, "include" | "upsert"> & { include?: Include[]; upsert?: SupportingType[] };
  const { include, upsert, ...options } = readJson(name, "options.json") as Given;
  return { ...options, include: new Set(include), upsert: new Set(upsert) };
}
