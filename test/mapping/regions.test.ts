/** The regions of IHE MADO by body site. */
import { expect, test } from "@jest/globals";
import { BODY_PARTS } from "../../src/mapping/body-part-table.ts";
import { REGION_TERMS, regionExtensions } from "../../src/mapping/regions.ts";

test("each term of a region is a defined term of Body Part Examined", () => {
  const defined = new Set(BODY_PARTS.map(({ term }) => term));
  expect(REGION_TERMS.filter((term) => !defined.has(term))).toEqual([]);
});

test("a site in another system, or of no region, gives none", () => {
  expect(
    regionExtensions([undefined, { text: "x" }, { coding: [{ system: "http://radlex.org", code: "774007" }] }]),
  ).toEqual([]);
});
