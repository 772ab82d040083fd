/** A FHIR server that takes studies but no Devices: the studies are there, with their equipment by name. */
import { afterEach, expect, test } from "@jest/globals";
import type { ImagingStudy } from "fhir/r4";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline.close());

const STUDIES = 5;
const withDevice = (status: number) => ({
  effect: { kind: "status", status, body: "outcome" } as const,
  method: "POST",
  body: `"type":"transaction"[^]*"resourceType":"Device"`,
});
const devicesOf = (studies: readonly object[]) =>
  (studies as ImagingStudy[]).flatMap(({ series = [] }) =>
    series.flatMap(({ performer = [] }) =>
      performer.flatMap(({ actor }) =>
        actor.type === "Device" ? [{ literal: actor.reference !== undefined, display: actor.display }] : [],
      ),
    ),
  );

test.each([403, 422])(
  "a server that answers Devices with %i holds the studies without them, and gets them when it takes them",
  async (code) => {
    pipeline = await startPipeline({ dicom: { synthetic: { studies: STUDIES, images: 2 } } });
    const { fhir, fhirProxy, status } = pipeline;
    fhirProxy.faults([withDevice(code)]);
    const worker = pipeline.worker();
    const allThere = async () => instancesByStudy(fhir).size === STUDIES && (await status()).studies.pending === 0;
    await until("all studies", allThere, { more: async () => `${JSON.stringify(await status())}\n${worker.output()}` });

    expect((await status()).studies.failed).toBe(0);
    expect(fhir.resources("Device")).toEqual([]);
    const named = devicesOf(fhir.resources("ImagingStudy"));
    expect(named).toHaveLength(STUDIES);
    expect(named.every(({ literal, display }) => !literal && display !== undefined)).toBe(true);
    const metrics = (await page(worker, "/metrics")).text;
    const label = code === 403 ? "FHIR_UNAUTHORIZED" : "FHIR_REJECTED";
    expect(metrics).toContain(`supporting_refused_total{code="${label}"} ${STUDIES}`);
    expect(metrics).not.toMatch(/pauses_total\{/);
    expect(worker.output()).toContain("a study was written without its supporting resources");

    // What is refused again writes nothing; what is taken at last is made up for.
    const before = fhir.writes();
    const refusedAgain = await pipeline.command(["resync", "--all"]);
    expect([refusedAgain.code, refusedAgain.stderr]).toEqual([0, ""]);
    await until("resynced", allThere);
    expect(fhir.writes()).toBe(before);
    fhirProxy.clear();
    expect((await pipeline.command(["resync", "--all"])).code).toBe(0);
    await until("Devices", () => devicesOf(fhir.resources("ImagingStudy")).every(({ literal }) => literal), {
      more: async () => `${JSON.stringify(await status())}\n${worker.output()}`,
    });
    expect(fhir.resources("Device")).toHaveLength(1);
    expect(await worker.stop()).toBe(0);
  },
  60_000,
);

test("a study that is refused for itself fails as before", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 1, images: 2 } } });
  pipeline.fhirProxy.faults([{ ...withDevice(422), body: `"type":"transaction"` }]);
  const worker = pipeline.worker();
  await until("failed", async () => (await pipeline.status()).studies.failed === 1, { more: worker.output });
  expect((await pipeline.status()).failed[0]?.code).toBe("FHIR_REJECTED");
  expect((await page(worker, "/metrics")).text).not.toMatch(/supporting_refused_total\{/);
}, 60_000);
