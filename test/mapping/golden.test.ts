/** Whole inputs and what the rules demand of them; see golden.ts for the folder's form. */
import { describe, expect, test } from "@jest/globals";
import type { Bundle, FhirResource, ImagingStudy } from "fhir/r4";
import { validateFhir } from "../support/fhir-validation.ts";
import { goldenCases } from "./golden.ts";

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

test("there are at least 25 cases", () => {
  expect(cases.length).toBeGreaterThanOrEqual(25);
});

describe.each(cases)("$name", ({ expected, mapped }) => {
  const resources = mapped.bundle.entry?.map(({ resource }) => resource) ?? [];
  const study = resources.find((one): one is ImagingStudy => one?.resourceType === "ImagingStudy");
  const patient = resources.find((one) => one?.resourceType === "Patient");

  test(`${expected.rule}`, () => {
    if (expected.patient === null) expect(patient).toBeUndefined();
    else if (expected.patient !== undefined) expect(named(expected.patient, patient)).toEqual(expected.patient);
    if (expected.study !== undefined) expect(named(expected.study, study)).toEqual(expected.study);
    for (const [index, series] of (expected.series ?? []).entries())
      expect(named(series, study?.series?.[index])).toEqual(series);
    const issues = mapped.studies.flatMap((one) => one.issues.map(({ keyword, code }) => `${keyword} ${code}`));
    expect(issues).toEqual(expected.issues ?? []);
    expect(mapped.rejected.map(({ tag }) => ({ tag }))).toEqual(expected.rejected ?? []);
  });

  test("is valid FHIR by both validators", async () => {
    for (const resource of withRelativeReferences(mapped.bundle)) expect(await validateFhir(resource)).toEqual([]);
  });
});

/** The parts of R4's ImagingStudy that R5 has, too, are seen to by the R4 cases. */
describe.each(cases.filter(({ r5 }) => r5 !== undefined))("$name in R5", ({ r5 }) => {
  test(`${r5?.expected.rule}`, () => {
    const resources = r5?.mapped.bundle.entry?.map(({ resource }) => resource) ?? [];
    const study = resources.find((one) => one?.resourceType === "ImagingStudy") as { series?: object[] } | undefined;
    const { study: wanted = {}, series = [] } = r5?.expected ?? {};
    expect(named(wanted, study)).toEqual(wanted);
    for (const [index, one] of series.entries()) expect(named(one, study?.series?.[index])).toEqual(one);
  });
});
