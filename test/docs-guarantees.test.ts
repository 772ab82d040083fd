/** docs/guarantees.md names the tests that would fail; SECURITY.md the options and codes that bound things. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { ERRORS } from "../src/errors.ts";

const root = resolve(import.meta.dirname, "..");
const read = (path: string) => readFileSync(resolve(root, path), "utf8");

test("each promise of docs/guarantees.md names tests, and they exist", () => {
  const promises = [...read("docs/guarantees.md").matchAll(/^\| ([A-Z][^|]+) \| ([^|]+) \|$/gm)];
  expect(promises.length).toBeGreaterThan(10);
  for (const [, promise, tests = ""] of promises) {
    const files = [...tests.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file = ""]) => file);
    expect([promise, files.length > 0, files.filter((file) => !existsSync(resolve(root, file)))]).toEqual([
      promise,
      true,
      [],
    ]);
  }
});

test("README.md leads to the guarantees, and SECURITY.md names codes that exist", () => {
  expect(read("README.md")).toContain("(docs/guarantees.md)");
  const codes =
    read("SECURITY.md").match(/\b(FEED|DICOM|FHIR|REDIS|STUDY|INSTANCE|WORKER|AUTH)_(?!URL)[A-Z]+\b(?!_|`)/g) ?? [];
  expect(codes.filter((code) => !(code in ERRORS))).toEqual([]);
});
