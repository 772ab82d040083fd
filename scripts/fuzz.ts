/**
 * `npm run fuzz -- [--runs N] [--seed S]`: maps random and damaged DICOM JSON. Ends with status 1 at the first input that throws or makes a resource
 * that is not valid FHIR, and names its seed; `--runs 1 --seed S` repeats it.
 */
import { parseArgs } from "node:util";
import { mapSeed } from "../test/mapping/mutations.ts";
import { validateFhir } from "../test/support/fhir-validation.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});
const runs = Number(values.runs);
const first = Number(values.seed);

let resources = 0;
for (let seed = first; seed < first + runs; seed++) {
  try {
    for (const resource of mapSeed(seed)) {
      resources++;
      const faults = await validateFhir(resource);
      if (faults.length > 0) throw new Error(`invalid ${resource.resourceType}: ${faults.join("; ")}`);
    }
  } catch (error) {
    console.error(`seed ${seed}:`, error);
    process.exit(1);
  }
}
console.log(`${runs} runs from seed ${first}: ${resources} resources, 0 errors thrown, 0 invalid`);
