/** What a large study costs that arrives image by image while it is synced: requests, and bytes read and written. Default settle times. */
import { setTimeout as delay } from "node:timers/promises";
import type { Counts } from "../emulators/fault-proxy/index.ts";
import type { Answer, Question, Run } from "./question.ts";
import { json, type Stage, startStage, until } from "./stage.ts";

const DELAY_S = 6;

export const arrivingStudy: Question = {
  name: "arriving-study",
  title: "A study of 1,000 images that arrives evenly over 60 s",
  async ask({ quick, tell, signal }: Run): Promise<Answer> {
    const images = quick ? 100 : 1000;
    const seconds = quick ? 6 : 60;
    const synthetic = `studies=1,images=${images},rate=${(images / seconds).toFixed(4)},delay=${DELAY_S}`;
    const stage = await startStage({ synthetic, latencyMs: 20 }, signal);
    try {
      const worker = stage.startWorker({});
      await worker.line(/checks have passed/);
      await stage.resetCounts();
      await until(async () => (await listed(stage)) === images, 500, signal);
      // What may still follow is counted too: a sync for the last marks, which finds nothing to write.
      await delay(quick ? 3000 : 70_000, undefined, { signal });
      const [fhir, dicom] = [await stage.counts("fhir"), await stage.counts("dicom")];
      tell(`${fhir.requests} FHIR requests`);
      const read = bytesOf(dicom, /\/metadata$/, "bytesOut");
      const [study] = await resources(stage);
      const finalRead = (
        await (await fetch(metadataUrl(stage, study), { headers: { accept: "application/dicom+json" } })).arrayBuffer()
      ).byteLength;
      const finalWritten = Buffer.byteLength(JSON.stringify(study));
      const reads = Object.entries(dicom.routes).find(([route]) => route.endsWith("/metadata"))?.[1].requests ?? 0;
      return {
        figures: [
          { what: "FHIR requests", value: fhir.requests, unit: "", target: { atMost: 20 } },
          { what: "metadata read / its final size", value: read / finalRead, unit: "×", target: { atMost: 3 } },
          {
            what: "bytes sent to FHIR / the ImagingStudy's final size",
            value: fhir.bytesIn / finalWritten,
            unit: "×",
            target: { atMost: 3 },
          },
          {
            what: "bytes received from FHIR / the ImagingStudy's final size",
            value: fhir.bytesOut / finalWritten,
            unit: "×",
          },
          { what: "reads of the study", value: reads, unit: "" },
        ],
        notes: [
          `Counted by the proxies from the first image on; start-up checks left out. The final sizes: ${Math.round(finalRead / 1000)} kB of metadata, ${Math.round(finalWritten / 1000)} kB of ImagingStudy.`,
        ],
      };
    } finally {
      await stage.stop();
    }
  },
};

type Study = { numberOfInstances?: number; identifier?: { system?: string; value?: string }[] };

async function resources(stage: Stage): Promise<Study[]> {
  const bundle = (await json(`${stage.fhirDirect}/ImagingStudy`)) as { entry?: { resource: Study }[] };
  return (bundle.entry ?? []).map(({ resource }) => resource);
}

async function listed(stage: Stage): Promise<number> {
  return (await resources(stage))[0]?.numberOfInstances ?? 0;
}

function metadataUrl(stage: Stage, study: Study | undefined): string {
  const uid = study?.identifier?.find(({ system }) => system === "urn:dicom:uid")?.value?.replace("urn:oid:", "");
  return `${stage.dicomDirect}/v2/studies/${uid}/metadata`;
}

function bytesOf({ routes }: Counts, route: RegExp, way: "bytesIn" | "bytesOut"): number {
  return Object.entries(routes)
    .filter(([name]) => route.test(name))
    .reduce((sum, [, row]) => sum + row[way], 0);
}
