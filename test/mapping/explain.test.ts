/** The explanation of a study comes from the same table, readers and votes as its resources. */
import { describe, expect, test } from "@jest/globals";
import {
  buildStudy,
  createExplainer,
  type ExplainedElement,
  MAPPING_ROWS,
  type MappingOptions,
  reduceDatasets,
  type StudyExplanation,
  targetIn,
} from "../../src/mapping/index.ts";
import { ctImage, element, OPTIONS } from "./datasets.ts";
import { goldenCases } from "./golden.ts";

function explain(datasets: readonly unknown[], options: MappingOptions = OPTIONS): StudyExplanation[] {
  return reduceDatasets(datasets, options).groups.map(({ study, instances, datasets: own }) => {
    const explainer = createExplainer(study, options);
    instances.forEach((attributes, index) => {
      explainer.add(own[index], attributes);
    });
    return explainer.explain();
  });
}

function only(datasets: readonly unknown[], path: string, options: MappingOptions = OPTIONS): ExplainedElement {
  const found = explain(datasets, options)[0]?.elements.filter((one) => one.element === path) ?? [];
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} explanations of ${path}`);
  return found[0];
}

describe("an explanation", () => {
  test("explains what a sync writes: of every case the resources are the same with and without", () => {
    for (const { name, datasets, mapped } of goldenCases()) {
      if (mapped.studies.length === 0) continue;
      for (const { resources } of explain(datasets)) {
        const { groups } = reduceDatasets(datasets, OPTIONS);
        const group = groups.find(({ study }) => study === resources.study);
        const plain = buildStudy(resources.study, group?.instances ?? [], OPTIONS);
        expect([name, JSON.stringify(resources)]).toEqual([name, JSON.stringify(plain)]);
      }
    }
  });

  test.each(["R4", "R5"] as const)(
    "every element that is written in %s is explained by a row of the table",
    (version) => {
      const targets = new Set(MAPPING_ROWS.map((row) => targetIn(row, version)));
      for (const { datasets } of goldenCases()) {
        for (const { resources, elements } of explain(datasets, { ...OPTIONS, fhirVersion: version })) {
          const explained = new Set(
            elements.filter((one) => "value" in one || "values" in one).map((one) => one.element),
          );
          const { resourceType, id, meta, series = [], ...study } = resources.imagingStudy;
          const written = [
            ...Object.keys(study).map((name) => `ImagingStudy.${name}`),
            ...series.flatMap(({ instance: _instance, ...one }) =>
              Object.keys(one).map((name) => `ImagingStudy.series.${name}`),
            ),
          ];
          expect(written.filter((path) => !explained.has(path))).toEqual([]);
          expect(elements.filter(({ element }) => !targets.has(element))).toEqual([]);
        }
      }
    },
  );

  test("names the attributes with how many instances have them, the votes, and what was outvoted", () => {
    const described = (number: number, text: string) => ctImage(number, { "00081030": element("LO", text) });
    const images = [described(1, "Chest"), described(2, "Chest"), described(3, "Thorax"), ctImage(4)];
    expect(only(images, "ImagingStudy.description")).toMatchObject({
      value: "Chest",
      from: [{ tag: "00081030", keyword: "StudyDescription", instances: 3 }],
      instances: 4,
      votes: 2,
      lost: [{ value: "Thorax", instances: 1 }],
      issues: [{ keyword: "StudyDescription", code: "conflict", count: 1 }],
      rule: expect.stringContaining("most frequent"),
    });
  });

  test("issues of a series are those of its own instances", () => {
    const other = { "0020000E": element("UI", "1.2.826.1.9"), "00200011": element("IS", "x") };
    const images = [ctImage(1), ctImage(2, other), ctImage(3, other)];
    const numbers = explain(images)[0]?.elements.filter(({ element }) => element === "ImagingStudy.series.number");
    expect(numbers?.map(({ series, issues }) => [series, issues.map(({ code, count }) => [code, count])])).toEqual([
      ["1.2.826.1.2", []],
      ["1.2.826.1.9", [["invalid-number", 2]]],
    ]);
    expect(numbers?.[1]).not.toHaveProperty("value");
  });

  test("another patient's instances are told at the subject, and at the Patient", () => {
    const images = [ctImage(1), ctImage(2), ctImage(3, { "00100020": element("LO", "0815") })];
    for (const path of ["ImagingStudy.subject", "Patient.identifier"])
      expect(only(images, path)).toMatchObject({
        votes: 2,
        lost: [{ value: { value: "0815" }, instances: 1 }],
        issues: [{ code: "several-patients", count: 1 }],
      });
  });

  test("what nobody asked for is told with the name that would have it written", () => {
    const image = ctImage(1, { "00101040": element("LO", "1 High Street") });
    expect(only([image], "Patient.address")).toMatchObject({
      notAsked: "address",
      from: [{ keyword: "PatientAddress" }],
    });
    expect(only([image], "Patient.address")).not.toHaveProperty("value");
    const asked = only([image], "Patient.address", { ...OPTIONS, include: new Set(["address"]) });
    expect(asked).toMatchObject({ value: [{ text: "1 High Street" }], votes: 1 });
    expect(asked).not.toHaveProperty("notAsked");
  });
});
