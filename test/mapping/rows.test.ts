/** The table of rows says all that is written, and nothing that is never written. */
import { describe, expect, test } from "@jest/globals";
import type { ImagingStudy } from "fhir/r4";
import { partOf, valueAt } from "../../src/mapping/explain-elements.ts";
import {
  type BundleOf,
  type FhirVersion,
  INCLUDES,
  MAPPING_ROWS,
  type MappingOptions,
  mapDatasets,
  mappingTable,
  type Owned,
  ownershipOf,
  PROFILES,
  SUPPORTING_TYPES,
  targetIn,
  wantedIncludes,
} from "../../src/mapping/index.ts";
import { ownershipTree } from "../../src/mapping/ownership.ts";
import { OPTIONS } from "./datasets.ts";
import { goldenCases } from "./golden.ts";

const cases = goldenCases();
const address = "http://dicom.example/v2";
type Written = { resourceType: string };
const resourcesOf = (bundle: BundleOf): Written[] => bundle.entry?.map(({ resource }) => resource as Written) ?? [];
/** Everything that can be asked for. */
const EVERYTHING: MappingOptions = {
  ...OPTIONS,
  timeZone: "Europe/Berlin",
  include: wantedIncludes(Object.keys({ ...INCLUDES, ...PROFILES })),
  upsert: new Set(SUPPORTING_TYPES),
  accessionSystem: "urn:oid:1.2.826.98",
  studyIdSystem: "urn:oid:1.2.826.97",
  procedureStepIdSystem: "urn:oid:1.2.826.96",
  locationSystem: "urn:oid:1.2.826.95",
  retrieveLocationUid: "1.2.826.94",
  qidoEndpoint: true,
  viewerUrl: "https://viewer.example/IID",
};
const withEverything = (fhirVersion: FhirVersion): Written[] =>
  cases.flatMap(({ datasets }) => resourcesOf(mapDatasets(datasets, { ...EVERYTHING, fhirVersion }, address).bundle));

const VERSIONS: { version: FhirVersion; resources: Written[] }[] = [
  {
    version: "R4",
    resources: [...cases.flatMap(({ mapped }) => resourcesOf(mapped.bundle)), ...withEverything("R4")],
  },
  {
    version: "R5",
    resources: [...cases.flatMap(({ r5 }) => resourcesOf(r5.mapped.bundle)), ...withEverything("R5")],
  },
];
const resources = cases.flatMap(({ mapped }) => mapped.bundle.entry?.map(({ resource }) => resource) ?? []);

/** Paths of what a resource holds, as deep as there are rows. */
function writtenPaths(value: unknown, path: string, targets: ReadonlySet<string>): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => writtenPaths(item, path, targets)))];
  const hasRowsBelow = [...targets].some((target) => target.startsWith(`${path}.`));
  if (typeof value !== "object" || value === null || !hasRowsBelow) return [path];
  const inner = Object.entries(value).flatMap(([name, member]) => writtenPaths(member, `${path}.${name}`, targets));
  return targets.has(path) ? [path, ...inner] : inner;
}

describe.each(VERSIONS)("mapping rows in $version", ({ version, resources: all }) => {
  const targets = new Set(MAPPING_ROWS.map((row) => targetIn(row, version)).filter((target) => target !== undefined));
  const written = new Set(
    all.flatMap(({ resourceType, ...elements }) => writtenPaths(elements, resourceType, targets)),
  );

  test("no element is written that has no row", () => {
    expect([...written].filter((path) => !targets.has(path))).toEqual([]);
  });

  test("every row is exercised by a fixture", () => {
    expect([...targets].filter((path) => !written.has(path))).toEqual([]);
  });

  test("so is each row of those that share a list", () => {
    const rows = MAPPING_ROWS.flatMap((row) => {
      const target = targetIn(row, version);
      return target === undefined ? [] : [{ row, target }];
    });
    const missing = rows.filter(({ row, target }) => {
      const [type = "", ...path] = target.split(".");
      const siblings = rows.filter((other) => other.target === target).map((other) => other.row);
      return !all
        .filter(({ resourceType }) => resourceType === type)
        .some((resource) => partOf(row, siblings, valueAt(resource, path)) !== undefined);
    });
    expect(missing.map(({ row, target }) => `${target} ${row.slice ?? ""}`)).toEqual([]);
  });
});

describe("mapping rows", () => {
  test("rows of one list are told apart, each is exercised", () => {
    const identifiers = resources
      .filter((one): one is ImagingStudy => one?.resourceType === "ImagingStudy")
      .flatMap((one) => one.identifier ?? []);
    expect(new Set(identifiers.map((one) => one.type?.coding?.[0]?.code ?? one.system))).toEqual(
      new Set(["urn:dicom:uid", "110180", "urn:ietf:rfc:3986", "ACSN", "study-id"]),
    );
    const orders = resources
      .filter((one): one is ImagingStudy => one?.resourceType === "ImagingStudy")
      .flatMap((one) => one.basedOn ?? []);
    expect(new Set(orders.map((one) => one.identifier?.type?.coding?.[0]?.code))).toEqual(
      new Set(["ACSN", "PLAC", "FILL"]),
    );
    const targetAndSlice = MAPPING_ROWS.map((row) => JSON.stringify([row.target, row.slice]));
    expect(new Set(targetAndSlice).size).toBe(MAPPING_ROWS.length);
  });

  test("ownership follows from the rows: series and instances by uid, lists by item, a Patient is never emptied", () => {
    const { ImagingStudy, Patient } = ownershipOf({ fhirVersion: "R4" });
    expect(ImagingStudy["started"]).toEqual({ kind: "whole" });
    expect(ImagingStudy["identifier"]).toMatchObject({
      kind: "items",
      owners: [
        { by: "system" },
        { by: "presence" },
        { by: "type-code", code: "ACSN" },
        { by: "type-code", code: "study-id" },
      ],
    });
    const series = ImagingStudy["series"] as Extract<Owned, { kind: "list" }>;
    expect(series).toMatchObject({
      kind: "list",
      key: "uid",
      members: { uid: { kind: "whole" }, instance: { kind: "list", key: "uid" } },
    });
    expect(Object.keys(series.members)).not.toContain("endpoint");
    expect(Object.keys(ImagingStudy)).not.toContain("id");
    expect(Object.keys(ImagingStudy)).not.toContain("meta");
    expect(Object.values(Patient).every((owned) => "keepWhenAbsent" in owned)).toBe(true);
  });

  test("members of an object that is in no row itself become a group", () => {
    expect(ownershipTree("X", [{ target: "X.meta.tag", ownership: { kind: "whole" } }])).toEqual({
      meta: { kind: "members", members: { tag: { kind: "whole" } } },
    });
  });

  test("the table for the docs has one line per row and no cell that breaks it", () => {
    const lines = mappingTable().trimEnd().split("\n");
    expect(lines).toHaveLength(MAPPING_ROWS.length + 2);
    expect(lines.filter((line) => line.split("|").length !== 8)).toEqual([]);
  });
});
