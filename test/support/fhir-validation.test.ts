import { describe, expect, test } from "@jest/globals";
import { validateFhir } from "./fhir-validation.ts";

const study = (more: Record<string, unknown> = {}) => ({
  resourceType: "ImagingStudy",
  id: "a",
  identifier: [{ system: "urn:dicom:uid", value: "urn:oid:1.2.3" }],
  status: "available",
  subject: { reference: "Patient/1" },
  started: "2020-01-01T10:00:00+01:00",
  series: [{ uid: "1.2.3.1", modality: { system: "http://dicom.nema.org/resources/ontology/DCM", code: "CT" } }],
  ...more,
});

describe("validateFhir", () => {
  test("passes a valid ImagingStudy, Patient and a Bundle of them", async () => {
    const patient = { resourceType: "Patient", gender: "male", birthDate: "1970-01", name: [{ family: "X" }] };
    for (const good of [study(), patient]) expect(await validateFhir(good)).toEqual([]);
    expect(await validateFhir({ resourceType: "Bundle", type: "collection", entry: [{ resource: study() }] })).toEqual(
      [],
    );
  });

  test.each([
    ["a missing status", { status: undefined }],
    ["a status that is no code of the required binding", { status: "zzz" }],
    ["a missing subject", { subject: undefined }],
    ["an unknown member", { foo: 1 }],
    ["an impossible date", { started: "2020-13-99" }],
    ["a time without a zone", { started: "2020-01-01T10:00:00" }],
    ["a series without modality", { series: [{ uid: "1.2" }] }],
    ["a uid that is no id", { series: [{ uid: "abc!!", modality: { code: "CT" } }] }],
    ["a negative count", { numberOfSeries: -2 }],
    ["a count as text", { numberOfSeries: "2" }],
    ["an empty list", { note: [] }],
    ["an empty object", { subject: {} }],
    ["an empty string", { description: "" }],
    ["null", { description: null }],
    ["an id with a blank", { id: "a b" }],
    ["a subject of a type not allowed", { subject: { reference: "Observation/1" } }],
  ])("finds %s", async (_what, wrong) => {
    expect(await validateFhir(study(wrong))).not.toEqual([]);
  });

  test("finds faults inside a Bundle and says in which entry", async () => {
    const bundle = {
      resourceType: "Bundle",
      type: "collection",
      entry: [{ resource: study() }, { resource: study({ status: "zzz" }) }],
    };
    expect((await validateFhir(bundle)).every((fault) => fault.startsWith("entry[1] "))).toBe(true);
    expect(await validateFhir(bundle)).not.toEqual([]);
  });
});
