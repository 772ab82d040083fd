import { expect, test } from "@jest/globals";
import { ALLOWED_LICENCES, productionDependencies } from "../../scripts/licences.ts";

test("what is shipped has licences that allow it", () => {
  const dependencies = productionDependencies();
  expect(dependencies.length).toBeGreaterThan(50);
  expect(dependencies.filter(({ licence }) => !ALLOWED_LICENCES.has(licence))).toEqual([]);
});
