/** Whole inputs and what the rules demand of them; see golden.ts for the folder's form. */
import { describe, expect, test } from "@jest/globals";
import type { Bundle, FhirResource } from "fhir/r4";
import { type MappedDatasets, SUPPORTING_TYPES } from "../../src/mapping/index.ts";
import { validateFhir } from "../support/fhir-validation.ts";
import { type Expected, goldenCases } from "./golden.ts";

const cases = goldenCases();

/** The named elements of a resource, `null` for those it does not have. */
function named(wanted: Record<string, unknown>, found: object | undefined): Record<string, unknown> {
  const members = new Map(Object.entries(found ?? {}));
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, members.get(name) ?? null]));
}

/** References by id instead of by fullUrl, because the validators know only these. */
function withRelativeReferences(bundle: Bundle): FhirResource[] {
  const text = JSON.stringify(bundle.entry?.map(({ resource }) => resource) ?? []);
  const types = new Map(bundle.entry?.map(({ fullUrl, resource }) => [fullUrl, resource?.resourceType]));
  return JSON.parse(
    text.replace(
      /"reference":"(urn:uuid:([^"]+))"/g,
      (_all, url: string, id: string) => `"reference":"${types.get(url)}/${id}"`,
    ),
  ) as FhirResource[];
}

test("there are at least 60 cases", () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
});

const SUPPORTING: readonly string[] = SUPPORTING_TYPES;

function expectAsDemanded(expected: Expected, { bundle, studies, rejected }: MappedDatasets): void {
  const resources: { resourceType: string; series?: object[] }[] =
    bundle.entry?.map(({ resource }) => resource as { resourceType: string }) ?? [];
  const study = resources.find((one) => one.resourceType === "ImagingStudy");
  const patient = resources.find((one) => one.resourceType === "Patient");
  if (expected.patient === null) expect(patient).toBeUndefined();
  else if (expected.patient !== undefined) expect(named(expected.patient, patient)).toEqual(expected.patient);
  if (expected.study !== undefined) expect(named(expected.study, study)).toEqual(expected.study);
  for (const [index, series] of (expected.series ?? []).entries())
    expect(named(series, study?.series?.[index])).toEqual(series);
  const endpoints = resources.filter(({ resourceType }) => resourceType === "Endpoint");
  if (expected.endpoints !== undefined)
    expect(endpoints.map((one, index) => named(expected.endpoints?.[index] ?? {}, one))).toEqual(expected.endpoints);
  const supporting = resources.filter(({ resourceType }) => SUPPORTING.includes(resourceType));
  if (expected.supporting !== undefined)
    expect(supporting.map((one, index) => named(expected.supporting?.[index] ?? {}, one))).toEqual(expected.supporting);
  const issues = studies.flatMap((one) => one.issues.map(({ keyword, code }) => `${keyword} ${code}`));
  expect(issues).toEqual(expected.issues ?? []);
  expect(rejected.map(({ tag }) => ({ tag }))).toEqual(expected.rejected ?? []);
}

describe.each(cases)("$name", ({ expected, mapped, r5 }) => {
  test(`${expected.rule}`, () => {
    expectAsDemanded(expected, mapped);
  });

  test("is valid FHIR by both validators", async () => {
    for (const resource of withRelativeReferences(mapped.bundle)) expect(await validateFhir(resource)).toEqual([]);
  });

  test(`in R5: ${r5.expected.rule}`, () => {
    expectAsDemanded(r5.expected, r5.mapped);
  });
});
