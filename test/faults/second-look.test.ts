/** A creation whose answer never came, and which the FHIR server carries out late: it has no version to be conditional on, and comes over newer content. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { writePart10 } from "../../emulators/samples/index.ts";
import type { Environment } from "../support/worker-process.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline.close());

const STUDY = "1.2.3";
const NOTES = "studycast:{test}:second-looks";
const text = (vr: string, value: string) => ({ vr, Value: [value] });
const image = (n: number) =>
  writePart10({
    "00080016": text("UI", "1.2.840.10008.5.1.4.1.1.7"),
    "00080018": text("UI", `1.2.3.1.${n}`),
    "00080060": text("CS", "OT"),
    "00100020": text("LO", "P1"),
    "0020000D": text("UI", STUDY),
    "0020000E": text("UI", "1.2.3.1"),
  });

const CHANGES = [
  { meanwhile: "a late image arrives", instances: 2, change: async () => void pipeline.dicom.store(image(2)) },
  {
    meanwhile: "the study is deleted",
    instances: undefined,
    async change() {
      expect((await fetch(`${pipeline.dicom.url}/v2/studies/${STUDY}`, { method: "DELETE" })).status).toBe(204);
    },
  },
];
/** Why the answer of the creation never comes. */
const ENDS: { end: string; options: Environment; isStopped: boolean }[] = [
  { end: "the request times out", options: { FHIR_TIMEOUT_MS: "1000" }, isStopped: false },
  { end: "the process ends", options: { SHUTDOWN_MS: "0" }, isStopped: true },
];

describe("a creation that is carried out late", () => {
  test.each(ENDS.flatMap((end) => CHANGES.map((change) => ({ ...end, ...change }))))(
    "$end, $meanwhile, old content comes: a second look sets it right",
    async ({ options, isStopped, change, instances }) => {
      pipeline = await startPipeline();
      const { dicom, fhir, fhirProxy, redis } = pipeline;
      const here = () => instancesByStudy(fhir).get(STUDY);
      const holds = (wanted: number | undefined) =>
        until(
          `${wanted ?? "no"} instances in FHIR`,
          async () => here() === wanted && (await pipeline.status()).studies.pending === 0,
          { limitMs: 60_000, more: () => worker.output() },
        );
      fhirProxy.faults([
        {
          method: "POST",
          body: '"method":"PUT","url":"ImagingStudy',
          nth: 1,
          effect: { kind: "hold", name: "creation", when: "before" },
        },
      ]);
      let worker = pipeline.worker(options);
      dicom.store(image(1));
      await fhirProxy.whenHeld("creation", AbortSignal.timeout(60_000));
      if (isStopped) {
        expect(await worker.stop()).toBe(0);
        worker = pipeline.worker();
      }
      await holds(1);
      await change();
      await holds(instances);

      fhirProxy.release("creation");
      await holds(1);
      expect(await worker.stop()).toBe(0);
      expect(await redis.redis.zcard(NOTES)).toBe(1);

      // What lies further ahead than the option says is due at once.
      worker = pipeline.worker({ SECOND_LOOK_MS: "100" });
      await holds(instances);
      const looked = /^studycast_second_looks_total 1$/m;
      await until("the second look is counted", async () => looked.test((await page(worker, "/metrics")).text));
      expect((await pipeline.status()).studies).toMatchObject({ failed: 0, pending: 0 });
      expect(await redis.redis.zcard(NOTES)).toBe(0);
    },
    180_000,
  );
});
