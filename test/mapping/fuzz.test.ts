/** A short run of what `npm run fuzz` does at length. */
import { expect, test } from "@jest/globals";
import { SUPPORTING_TYPES } from "../../src/mapping/index.ts";
import { fuzz } from "./fuzz-check.ts";

test("20,000 damaged inputs throw nothing and make no invalid resource", async () => {
  const { types } = await fuzz(1, 20_000);
  const expected = ["Endpoint", "ImagingStudy", "Patient", ...SUPPORTING_TYPES];
  expect([...types].sort()).toEqual(
    ["R4", "R5"].flatMap((version) => expected.map((type) => `${version} ${type}`)).sort(),
  );
}, 600_000);
