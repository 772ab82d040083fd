/** Metadata that cannot be read for a while, though the service answers otherwise. Nothing in the feed tells when that ends. */
import { afterEach, expect, test } from "@jest/globals";
import { el, seededUid, writePart10 } from "../../emulators/samples/index.ts";
import { instancesByStudy, type Pipeline, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
afterEach(() => pipeline?.close());

const uid = (label: string) => seededUid("unreadable", label);

function image(study: string, n: number): Uint8Array {
  return writePart10({
    "00080016": el("UI", "1.2.840.10008.5.1.4.1.1.2"),
    "00080018": el("UI", uid(`${study} ${n}`)),
    "00080060": el("CS", "CT"),
    "00100020": el("LO", "unreadable"),
    "0020000D": el("UI", uid(study)),
    "0020000E": el("UI", uid(`${study} series`)),
  });
}

test("an image, or a study, that could not be read for a while is not left out for good", async () => {
  pipeline = await startPipeline();
  const { dicom, fhir, status } = pipeline;
  dicom.control.badBlob({ study: uid("partly"), instance: uid("partly 2"), kind: "gone" });
  dicom.control.badBlob({ study: uid("wholly"), kind: "gone" });
  for (const study of ["partly", "wholly"]) for (const n of [1, 2, 3]) dicom.store(image(study, n));
  const worker = pipeline.worker({ RECHECK_MS: "1500" });
  const more = async () => `${JSON.stringify(await status())}\n${worker.output()}`;
  await until("the readable part", () => instancesByStudy(fhir).get(uid("partly")) === 2, { more });
  await until(
    "one image is left out, one study is not there",
    async () => {
      const { studies } = await status();
      return studies.withRejectedInstances === 1 && studies.failed + studies.pending === 1;
    },
    { more },
  );
  dicom.control.clearFaults();
  await until("all images", () => [...instancesByStudy(fhir).values()].join() === "3,3", { more });
  await until("nothing is left to do", async () => {
    const { studies } = await status();
    return studies.withRejectedInstances + studies.failed + studies.pending === 0;
  });
  expect(await worker.stop()).toBe(0);
}, 60_000);
