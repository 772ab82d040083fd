/** A short run of what `npm run fuzz` does at length. */
import { expect, test } from "@jest/globals";
import { validateFhir } from "../support/fhir-validation.ts";
import { mapSeed } from "./mutations.ts";

test("damaged input never throws and never makes an invalid resource", async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 400; seed++) {
    for (const resource of mapSeed(seed)) {
      seen.add(resource.resourceType);
      const faults = await validateFhir(resource);
      if (faults.length > 0) throw new Error(`seed ${seed}: ${faults.join("; ")}`);
    }
  }
  expect([...seen].sort()).toEqual(["Endpoint", "ImagingStudy", "Patient"]);
});
