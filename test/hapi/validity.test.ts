/** What studycast writes, held against HAPI's validator (core definitions, bindings, invariants), in the release that the server speaks. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { type Stack, startStack } from "../e2e/stack.ts";
import { uidOf } from "../e2e/truth.ts";
import { validateWithHapi } from "../support/hapi.ts";
import { EXPLAINED_ERRORS } from "./explained-errors.ts";

const release = process.env["HAPI"];
const dicom = resolve(import.meta.dirname, "../../../shared/dicom");
if (release === undefined) console.log("skipped: HAPI's validator is run by npm run test:hapi");
else if (!existsSync(dicom)) console.log("skipped: ../shared/dicom is not there");

let stack: Stack;
afterEach(() => stack?.close());

type Fault = { study: string | undefined; type: string | null; id: string | null; path: string; text: string };

/** Errors and worse of all resources of the stack, by study where the resource is one. */
async function faultsOf(fhir: "r4" | "r5"): Promise<{ resources: number; faults: Fault[] }> {
  const studies = await stack.fhir.studies();
  const all = [...studies, ...(await stack.fhir.patients()), ...(await stack.fhir.endpoints())];
  const reports = await validateWithHapi(all.map((resource) => JSON.stringify(resource)).join("\n"), fhir);
  if (reports === null) throw new Error("HAPI's validator is not there");
  expect(reports).toHaveLength(all.length);
  const uids = new Map(studies.map((study) => [study.id, uidOf(study)]));
  const faults = reports.flatMap(({ id, resourceType, issues }) =>
    issues
      .filter(({ severity }) => severity === "error" || severity === "fatal")
      .map(({ path, text }) => ({ study: uids.get(id ?? ""), type: resourceType, id, path, text })),
  );
  return { resources: all.length, faults };
}

const version = release === "r5" ? "r5" : "r4";
const runs = release === undefined ? test.skip : test;

runs("every resource of a hospital day is valid", async () => {
  stack = await startStack();
  stack.worker();
  await stack.playDay();
  await stack.settled();
  const { resources, faults } = await faultsOf(version);
  expect(resources).toBeGreaterThan(10);
  expect(faults).toEqual([]);
});

(existsSync(dicom) ? runs : test.skip)(
  "every resource of the real files is valid but for the explained errors, and each of those is still there",
  async () => {
    stack = await startStack({ load: dicom });
    stack.worker();
    await stack.settled();
    const { resources, faults } = await faultsOf(version);
    expect(resources).toBeGreaterThan(100);
    const explains = (fault: Fault) =>
      EXPLAINED_ERRORS.findIndex(
        ({ study, path, text }) => study === fault.study && path.test(fault.path) && text.test(fault.text),
      );
    expect(faults.filter((fault) => explains(fault) < 0)).toEqual([]);
    const used = new Set(faults.map(explains));
    expect(EXPLAINED_ERRORS.filter((_, index) => !used.has(index))).toEqual([]);
  },
);
