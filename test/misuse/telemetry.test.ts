import { afterEach, expect, test } from "@jest/globals";
import { el, personName, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";

let pipeline: Pipeline | undefined;
afterEach(async () => {
  await pipeline?.close();
  pipeline = undefined;
});

test("must not happen: without telemetry the worker does not start", async () => {
  pipeline = await startPipeline();
  const { dicom, fhir } = pipeline;
  const file = writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", seededUid("telemetry", "image")),
    "00080060": el("CS", "CT"),
    "00100010": el("PN", personName("Some^Body")),
    "00100020": el("LO", "P1"),
    "0020000D": el("UI", seededUid("telemetry", "study")),
    "0020000E": el("UI", seededUid("telemetry", "series")),
  });
  expect(dicom.store(file).stored).toBe(true);
  // No metrics, and the empty keys that DICOMcast's deployment template sets.
  const worker = pipeline.worker({
    METRICS: "off",
    ApplicationInsights__InstrumentationKey: "",
    APPLICATIONINSIGHTS_CONNECTION_STRING: "",
    OTEL_EXPORTER_OTLP_ENDPOINT: "",
  });
  await until("the study", () => fhir.resources("ImagingStudy").length === 1, { more: worker.output });
  expect((await page(worker, "/metrics")).status).toBe(404);
  expect((await page(worker, "/readyz")).status).toBe(200);
  expect(await worker.stop()).toBe(0);
});
