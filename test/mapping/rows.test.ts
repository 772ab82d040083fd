/** The table of rows says all that is written, and nothing that is never written. */
import { describe, expect, test } from "@jest/globals";
import type { ImagingStudy } from "fhir/r4";
import {
  endpointResource,
  MAPPING_ROWS,
  mappingTable,
  type Owned,
  ownershipOf,
  targetIn,
} from "../../src/mapping/index.ts";
import { ownershipTree } from "../../src/mapping/ownership.ts";
import { goldenCases } from "./golden.ts";

const targets = new Set(MAPPING_ROWS.map((row) => targetIn(row, "R4")).filter((target) => target !== undefined));
const hasRowsBelow = (path: string) => [...targets].some((target) => target.startsWith(`${path}.`));

/** Paths of what a resource holds, as deep as there are rows. */
function writtenPaths(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => writtenPaths(item, path)))];
  if (typeof value !== "object" || value === null || !hasRowsBelow(path)) return [path];
  const inner = Object.entries(value).flatMap(([name, member]) => writtenPaths(member, `${path}.${name}`));
  return targets.has(path) ? [path, ...inner] : inner;
}

const resources = goldenCases().flatMap(({ mapped }) => mapped.bundle.entry?.map(({ resource }) => resource) ?? []);
resources.push(endpointResource("test", "Microsoft.Default", "http://dicom.example/v2"));
const written = new Set(
  resources.flatMap((resource) => {
    const { resourceType, ...elements } = resource ?? { resourceType: "Bundle" };
    return writtenPaths(elements, resourceType);
  }),
);

describe("mapping rows", () => {
  test("no element is written that has no row", () => {
    expect([...written].filter((path) => !targets.has(path))).toEqual([]);
  });

  test("every row is exercised by a fixture", () => {
    expect([...targets].filter((path) => !written.has(path))).toEqual([]);
  });

  test("rows of one list are told apart, each is exercised", () => {
    const identifiers = resources
      .filter((one): one is ImagingStudy => one?.resourceType === "ImagingStudy")
      .flatMap((one) => one.identifier ?? []);
    expect(new Set(identifiers.map((one) => one.type?.coding?.[0]?.code ?? one.system))).toEqual(
      new Set(["urn:dicom:uid", "urn:ietf:rfc:3986", "ACSN", "study-id"]),
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
