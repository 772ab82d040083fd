/** docs/guarantees.md names the tests that would fail; SECURITY.md the options and codes that bound things. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { ERRORS } from "../src/errors.ts";
import { titlesNotIn } from "./support/test-titles.ts";

const root = resolve(import.meta.dirname, "..");
const read = (path: string) => readFileSync(resolve(root, path), "utf8");

test("each promise of docs/guarantees.md names tests by file and title, and they exist", () => {
  const promises = [...read("docs/guarantees.md").matchAll(/^\| ([A-Z][^|]+) \| (.+) \|$/gm)];
  expect(promises.length).toBeGreaterThan(10);
  for (const [, promise, cell = ""] of promises) {
    const tests = cell.split("<br>").map((one) => /^`([a-z0-9/-]+\.test\.ts)`: "([^"|]+)"$/.exec(one));
    expect([promise, tests.includes(null)]).toEqual([promise, false]);
    const missing = tests.flatMap((found) => {
      const [, file = "", title = ""] = found ?? [];
      return titlesNotIn(resolve(root, "test", file), [title]).map(() => `${file}: ${title}`);
    });
    expect([promise, missing]).toEqual([promise, []]);
  }
});

test("README.md leads to the guarantees, and SECURITY.md names codes that exist", () => {
  expect(read("README.md")).toContain("(docs/guarantees.md)");
  const codes =
    read("SECURITY.md").match(/\b(FEED|DICOM|FHIR|REDIS|STUDY|INSTANCE|WORKER|AUTH)_(?!URL)[A-Z]+\b(?!_|`)/g) ?? [];
  expect(codes.filter((code) => !(code in ERRORS))).toEqual([]);
});
