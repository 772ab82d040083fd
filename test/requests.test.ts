/** Operators' requests through the real command line and a running worker, and DEBUG in its environment. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { hospitalDay, playHospitalDay } from "../emulators/samples/index.ts";
import { type Pipeline, startPipeline, until } from "./faults/pipeline.ts";

describe("requests", () => {
  let pipeline: Pipeline;
  beforeEach(async () => {
    pipeline = await startPipeline();
  });
  afterEach(() => pipeline.close());

  test("a study date is searched for on a service without partitions, and what stands behind it has its turn", async () => {
    const worker = pipeline.worker();
    await playHospitalDay(pipeline.dicom.url, hospitalDay({ seed: "studycast" }));
    await until("sync", settled, { more: worker.output });
    const before = pipeline.dicomProxy.counts().requests;
    const byDate = await pipeline.command(["resync", "--study-date", "20000101..20991231", "--json"]);
    expect([byDate.code, byDate.stderr]).toEqual([0, ""]);
    expect(JSON.parse(byDate.stdout)).toMatchObject({ state: "done" });
    const next = await pipeline.command(["retry", "--all", "--json"]);
    expect(JSON.parse(next.stdout)).toMatchObject({ state: "done" });
    await until("sync again", settled, { more: worker.output });
    expect(pipeline.dicomProxy.counts().requests).toBeGreaterThan(before + 5);
  }, 60_000);

  test("DEBUG in the environment does not make a package print requests", async () => {
    const worker = pipeline.worker({ DEBUG: "*", LOG_LEVEL: "warn" });
    await playHospitalDay(pipeline.dicom.url, hospitalDay({ seed: "studycast" }));
    await until("sync", settled, { more: worker.output });
    expect(await worker.stop()).toBe(0);
    const foreign = worker.output().split("\n");
    expect(foreign.filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
  }, 60_000);

  async function settled(): Promise<boolean> {
    const { studies } = await pipeline.status();
    return studies.pending === 0 && pipeline.fhir.resources("ImagingStudy").length >= 10;
  }
});
