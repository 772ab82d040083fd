/** Whether a study of 100,000 instances goes through a worker of ordinary size. */
import { INCLUDES } from "../src/mapping/index.ts";
import type { Answer, Question, Run } from "./question.ts";
import { json, startStage, until } from "./stage.ts";

export const hugeStudy: Question = {
  name: "huge-study",
  title: "A study of 100,000 instances",
  async ask({ quick, signal }: Run): Promise<Answer> {
    const images = quick ? 5000 : 100_000;
    const stage = await startStage({ synthetic: `studies=1,images=${images},series=20` }, signal);
    try {
      const worker = stage.startWorker({ MAPPING_INCLUDE: Object.keys(INCLUDES).join(",") });
      await worker.line(/checks have passed/);
      const startedMs = performance.now();
      type Page = { entry?: { resource: { numberOfInstances?: number } }[] };
      const instances = async () =>
        ((await json(`${stage.fhirDirect}/ImagingStudy`)) as Page).entry?.[0]?.resource.numberOfInstances ?? 0;
      await until(async () => (await instances()) === images, 250, signal);
      const { length: bytes } = JSON.stringify(
        ((await json(`${stage.fhirDirect}/ImagingStudy`)) as Page).entry?.[0]?.resource,
      );
      const seconds = (performance.now() - startedMs) / 1000;
      return {
        figures: [
          {
            what: "most resident memory of the worker",
            value: worker.memory().mostMb,
            unit: "MB",
            target: { atMost: 512 },
          },
          { what: "size of the ImagingStudy", value: bytes / 1000, unit: "kB" },
          { what: "from the start of following to FHIR", value: seconds, unit: "s" },
        ],
        notes: [
          `${images.toLocaleString("en-US")} CT images in 20 series, about ${Math.round((images * 6.6) / 1000)} MB of metadata; all opt-in rows of the mapping on, the other options at their defaults, so that the ImagingStudy counts its images and does not list them.`,
        ],
      };
    } finally {
      await stage.stop();
    }
  },
};
