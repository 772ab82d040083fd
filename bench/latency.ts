/** How long an image takes from the feed to FHIR when nothing else happens: poll interval, settle time and one sync, all options at their defaults. */
import { setTimeout as delay } from "node:timers/promises";
import { writePart10 } from "../emulators/samples/index.ts";
import { type Answer, percentile, type Question, type Run } from "./question.ts";
import { type Stage, startStage } from "./stage.ts";

const LOOK_MS = 20;

export const latency: Question = {
  name: "latency",
  title: "One image, from the feed to FHIR, idle",
  async ask({ quick, tell, signal }: Run): Promise<Answer> {
    // Several installations side by side, because most of the time is waiting.
    const installations = quick ? 1 : 3;
    const each = quick ? 1 : 14;
    const took = (
      await Promise.all(Array.from({ length: installations }, (_, at) => measure(at, each, quick, tell, signal)))
    ).flat();
    return {
      figures: [
        { what: "p50", value: percentile(took, 50) / 1000, unit: "s" },
        { what: "p95", value: percentile(took, 95) / 1000, unit: "s" },
        { what: "most", value: Math.max(...took) / 1000, unit: "s" },
      ],
      notes: [
        `${took.length} images of new studies stored by STOW-RS, 9 to 17 s apart at random, ${installations} installations at once, 20 ms before each service. The clock starts when the store request has been answered. The interval between polls grows to 5 s on a quiet feed, and the settle time is 1 s.`,
      ],
    };
  },
};

async function measure(
  at: number,
  times: number,
  quick: boolean,
  tell: Run["tell"],
  signal: AbortSignal,
): Promise<number[]> {
  const stage = await startStage({ latencyMs: 20 }, signal);
  const took: number[] = [];
  try {
    await stage.startWorker({}).line(/checks have passed/);
    for (let n = 0; n < times; n++) {
      await delay(quick ? 1000 : 9000 + Math.random() * 8000, undefined, { signal });
      await store(stage, `2.25.${1000 * (at + 1) + n}`);
      const startedMs = performance.now();
      while ((await stage.count("ImagingStudy")) <= n) await delay(LOOK_MS, undefined, { signal });
      took.push(performance.now() - startedMs);
    }
    tell(`installation ${at + 1}: ${took.map((ms) => Math.round(ms)).join(" ")} ms`);
  } finally {
    await stage.stop();
  }
  return took;
}

async function store(stage: Stage, uid: string): Promise<void> {
  const text = (vr: string, value: string) => ({ vr, Value: [value] });
  const bytes = writePart10({
    "00080016": text("UI", "1.2.840.10008.5.1.4.1.1.7"),
    "00080018": text("UI", `${uid}.1.1`),
    "00080020": text("DA", "20260102"),
    "00080060": text("CS", "OT"),
    "00100010": { vr: "PN", Value: [{ Alphabetic: "Bench^Idle" }] },
    "00100020": text("LO", `BENCH${uid.slice(5)}`),
    "0020000D": text("UI", uid),
    "0020000E": text("UI", `${uid}.1`),
    "00200013": { vr: "IS", Value: [1] },
  });
  const response = await fetch(`${stage.dicomDirect}/v2/studies`, {
    method: "POST",
    headers: { "content-type": "application/dicom", accept: "application/dicom+json" },
    body: bytes,
  });
  if (!response.ok) throw new Error(`the store was answered with ${response.status}`);
  await response.arrayBuffer();
}
