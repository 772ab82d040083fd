/**
 * What users and maintainers of DICOMcast ran into, and its known faults, by number: each names the tests that show that it does not happen here, or why
 * there is none.
 */
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { titlesNotIn } from "../support/test-titles.ts";
import { DUPLICATES } from "./duplicates.ts";
import { LOAD_AND_DEPLOYMENT } from "./load-and-deployment.ts";
import { MAPPING_DEFECTS } from "./mapping-defects.ts";
import { SILENT_LOSS } from "./silent-loss.ts";
import { STOPS } from "./stops.ts";

const REQUIREMENTS = [...SILENT_LOSS, ...STOPS, ...DUPLICATES, ...LOAD_AND_DEPLOYMENT, ...MAPPING_DEFECTS];

describe("every known failure of DICOMcast", () => {
  test("has tests that exist, or a reason why not", () => {
    const missing = REQUIREMENTS.flatMap((requirement) => {
      if ("whyNot" in requirement) return requirement.whyNot === "" ? [requirement.id] : [];
      return requirement.tests.flatMap(([file, ...titles]) => {
        const path = resolve(import.meta.dirname, "..", file);
        return titlesNotIn(path, titles).map((title) => `${requirement.id}: ${file}: ${title}`);
      });
    });
    expect(missing).toEqual([]);
    expect(REQUIREMENTS.every((one) => "whyNot" in one || one.tests.length > 0)).toBe(true);
  });

  test("is listed once", () => {
    const counts = { F: 10, A: 21, B: 19, C: 13, D: 10, G: 9, M: 37, P: 5 };
    const wanted = Object.entries(counts).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    );
    expect(REQUIREMENTS.map(({ id }) => id).sort()).toEqual(wanted.sort());
  });
});
