/** What studycast writes, held against HAPI's validator (core definitions, bindings, invariants), in the release that the server speaks. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import type { FhirResource } from "fhir/r4";
import { SUPPORTING_TYPES } from "../../src/mapping/index.ts";
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

const SUPPORTING = new RegExp(`"reference":"((?:${SUPPORTING_TYPES.join("|")})/[^"]+)"`, "g");

/** Devices and the like that these resources refer to, and those that these refer to. */
async function referredBy(
  resources: readonly object[],
  known: ReadonlySet<string> = new Set(),
): Promise<FhirResource[]> {
  const named = [...JSON.stringify(resources).matchAll(SUPPORTING)].map(([, reference = ""]) => reference);
  const references = [...new Set(named)].filter((reference) => !known.has(reference));
  if (references.length === 0) return [];
  const found = await Promise.all(references.map((reference) => stack.fhir.read(reference)));
  return [...found, ...(await referredBy(found, new Set([...known, ...references])))];
}

/** Errors and worse of all resources of the stack, by study where the resource is one. */
async function faultsOf(
  fhir: "r4" | "r5",
): Promise<{ types: Map<string, number>; resources: number; faults: Fault[] }> {
  const studies = await stack.fhir.studies();
  const supporting = await referredBy(studies);
  const all = [...studies, ...(await stack.fhir.patients()), ...(await stack.fhir.endpoints()), ...supporting];
  const types = new Map<string, number>();
  for (const { resourceType } of all) types.set(resourceType, (types.get(resourceType) ?? 0) + 1);
  const reports = await validateWithHapi(all.map((resource) => JSON.stringify(resource)).join("\n"), fhir);
  if (reports === null) throw new Error("HAPI's validator is not there");
  expect(reports).toHaveLength(all.length);
  const uids = new Map(studies.map((study) => [study.id, uidOf(study)]));
  const faults = reports.flatMap(({ id, resourceType, issues }) =>
    issues
      .filter(({ severity }) => severity === "error" || severity === "fatal")
      .map(({ path, text }) => ({ study: uids.get(id ?? ""), type: resourceType, id, path, text })),
  );
  return { types, resources: all.length, faults };
}

const version = release === "r5" ? "r5" : "r4";
const runs = release === undefined ? test.skip : test;

/** Everything that can be written is. */
const everything = (seed: string) => ({
  DEVICE_POLICY: "upsert",
  PRACTITIONER_POLICY: "upsert",
  ORGANIZATION_POLICY: "upsert",
  LOCATION_POLICY: "upsert",
  SERVICE_REQUEST_POLICY: "upsert",
  ACCESSION_SYSTEM: `urn:test:${seed}:accession`,
  LOCATION_SYSTEM: `urn:test:${seed}:location`,
  QIDO_ENDPOINT: "yes",
  VIEWER_URL: `http://viewer.example/${seed}/IHEInvokeImageDisplay`,
});

const explained = EXPLAINED_ERRORS[version];
const explains = (fault: Fault) =>
  explained.findIndex(
    ({ study, path, text }) => study === fault.study && path.test(fault.path) && text.test(fault.text),
  );

runs("every resource of a hospital day is valid but for the explained errors", async () => {
  stack = await startStack();
  stack.worker(everything(stack.seed));
  await stack.playDay();
  await stack.settled();
  const { types, resources, faults } = await faultsOf(version);
  expect(resources).toBeGreaterThan(10);
  expect(types.get("Endpoint")).toBe(3);
  expect(faults.filter((fault) => explains(fault) < 0)).toEqual([]);
});

(existsSync(dicom) ? runs : test.skip)(
  "every resource of the real files is valid but for the explained errors, and each of those is still there",
  async () => {
    stack = await startStack({ load: dicom });
    stack.worker(everything(stack.seed));
    await stack.settled(120_000);
    const { types, resources, faults } = await faultsOf(version);
    expect(resources).toBeGreaterThan(100);
    expect(types.get("Device")).toBeGreaterThan(10);
    expect(types.get("ServiceRequest")).toBeGreaterThan(0);
    expect(faults.filter((fault) => explains(fault) < 0)).toEqual([]);
    const used = new Set(faults.map(explains));
    expect(explained.filter((_, index) => !used.has(index))).toEqual([]);
  },
);
