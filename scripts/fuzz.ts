/**
 * `npm run fuzz -- [--runs N] [--seed S]`: maps random and damaged DICOM JSON to R4 and R5. Ends with status 1 at the first input that throws, makes a
 * resource that is not valid FHIR or takes too long, and names its seed; `--runs 1 --seed S` repeats it.
 */
import { parseArgs } from "node:util";
import { fuzz } from "../test/mapping/fuzz-check.ts";

/** Between two lines of progress. */
const SLICE = 50_000;

const { values } = parseArgs({
  options: { runs: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});
const runs = Number(values.runs);
const first = Number(values.seed);

let resources = 0;
let slowestMs = 0;
try {
  for (let done = 0; done < runs; done += SLICE) {
    const slice = await fuzz(first + done, Math.min(SLICE, runs - done));
    resources += slice.resources;
    slowestMs = Math.max(slowestMs, slice.slowestMs);
    if (runs > SLICE) console.log(`${done + slice.runs} of ${runs}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const slowest = slowestMs.toFixed(1);
console.log(
  `${runs} runs from seed ${first}: ${resources} resources, 0 errors thrown, 0 invalid, slowest ${slowest} ms`,
);
