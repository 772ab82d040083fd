/**
 * How fast studies get into FHIR: (a) the worker, (b) DICOMcast's requests re-enacted, (c) a bare loop that sends what must be sent, the limit. All on the
 * same synthetic feed, both services behind 20 ms of latency, settle time 0, in turns, so that what else the machine does falls on all of them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { bareLoop } from "./bare-loop.ts";
import { dicomCast } from "./dicomcast.ts";
import { finalBundles } from "./final-bundles.ts";
import type { Answer, Question, Run } from "./question.ts";
import { type Stage, startStage, until } from "./stage.ts";

const LATENCY_MS = 20;
/**
 * FHIR requests in flight at most, in (a), (c) and (d): what the limit is about. The worker reads and maps further studies meanwhile, as far as its CONCURRENCY
 * goes. Many of both suit small studies, whose time is nearly all waiting.
 */
const inFlightFor = (images: number) => (images === 1 ? 12 : 1);
const concurrencyFor = (images: number) => (images === 1 ? 24 : 4);
/** Pages read ahead: a study of 500 images is five pages, and without settle time it is synced as soon as the first of them is read. */
const READ_AHEAD = 16;

type Shape = { images: number; overDicomCast: number; overLimit: number };
/** Images or studies, and in what time; processor seconds by process. */
type Measured = { studies: number; seconds: number; cpu: Record<string, number> };

export const bigStudies: Question = {
  name: "big-studies",
  title: "Studies of 500 images into FHIR",
  ask: (run) => compare({ images: 500, overDicomCast: 50, overLimit: 0.8 }, run),
};

export const smallStudies: Question = {
  name: "small-studies",
  title: "Studies of one image into FHIR",
  ask: (run) => compare({ images: 1, overDicomCast: 8, overLimit: 0.7 }, run),
};

async function compare({ images, overDicomCast, overLimit }: Shape, { quick, tell, signal }: Run): Promise<Answer> {
  const seconds = quick ? 3 : 16;
  const rounds = quick ? 1 : 2;
  const requestsOf = finalBundles(images);
  const lanes = inFlightFor(images);
  const sum = { a: zero(), b: zero(), c: zero(), reading: zero() };
  const bare = (reads: boolean) => (stage: Stage) => {
    const dicomUrl = reads ? { dicomUrl: stage.dicomUrl } : {};
    return (until: AbortSignal) =>
      bareLoop({ fhirUrl: stage.fhirUrl, requestsOf, lanes, first: 0, ...dicomUrl }, until);
  };
  const turns: [keyof typeof sum, () => Promise<Measured>][] = [
    ["a", () => onStage(images, signal, (stage) => worker(stage, seconds, images, signal))],
    ["c", () => onStage(images, signal, (stage) => timed(stage, seconds, bare(false)(stage)))],
    ["b", () => onStage(images, signal, (stage) => timed(stage, seconds, (end) => dicomCast(stage, end), images))],
    ["reading", () => onStage(images, signal, (stage) => timed(stage, seconds, bare(true)(stage)))],
  ];
  for (let round = 0; round < rounds; round++) {
    for (const [name, turn] of turns) {
      const measured = await turn();
      const into = sum[name];
      into.studies += measured.studies;
      into.seconds += measured.seconds;
      for (const [process, used] of Object.entries(measured.cpu)) into.cpu[process] = (into.cpu[process] ?? 0) + used;
      tell(`${name}: ${(measured.studies / measured.seconds).toFixed(2)} studies/s ${JSON.stringify(measured.cpu)}`);
    }
  }
  const rate = ({ studies, seconds: s }: Measured) => studies / s;
  return {
    figures: [
      { what: "(a) the worker", value: rate(sum.a) * images, unit: "images/s" },
      { what: "(b) DICOMcast's requests", value: rate(sum.b) * images, unit: "images/s" },
      { what: "(c) bare loop, the limit", value: rate(sum.c) * images, unit: "images/s" },
      { what: "(a) / (b)", value: rate(sum.a) / rate(sum.b), unit: "×", target: { atLeast: overDicomCast } },
      { what: "(a) / (c)", value: rate(sum.a) / rate(sum.c), unit: "×", target: { atLeast: overLimit } },
      { what: "(d) bare loop that also fetches the metadata", value: rate(sum.reading) * images, unit: "images/s" },
      { what: "(a) / (d)", value: rate(sum.a) / rate(sum.reading), unit: "×" },
    ],
    notes: [
      `${LATENCY_MS} ms before each service; FHIR requests in flight at most: ${lanes}, in (a), (c) and (d); ${concurrencyFor(images)} studies at once in (a), ${READ_AHEAD} pages read ahead in (a); ${rounds} turns of ${seconds} s each, in the order a, c, b, d.`,
      ...(["a", "c", "reading"] as const).map(
        (name) => `Processor share, ${name === "reading" ? "(d)" : `(${name})`}: ${shares(sum[name])}.`,
      ),
    ],
  };
}

const zero = (): Measured => ({ studies: 0, seconds: 0, cpu: {} });

function shares({ cpu, seconds }: Measured): string {
  return Object.entries(cpu)
    .map(([name, used]) => `${name} ${Math.round((100 * used) / seconds)} %`)
    .join(", ");
}

async function onStage(
  images: number,
  signal: AbortSignal,
  play: (stage: Stage) => Promise<Measured>,
): Promise<Measured> {
  const studies = images === 1 ? 1_000_000 : 100_000;
  const stage = await startStage({ synthetic: `studies=${studies},images=${images}`, latencyMs: LATENCY_MS }, signal);
  try {
    return await play(stage);
  } finally {
    await stage.stop();
  }
}

/** What the worker does between two moments under full load, the start of the process left out. */
async function worker(stage: Stage, seconds: number, images: number, signal: AbortSignal): Promise<Measured> {
  stage.startWorker({
    CONCURRENCY: String(concurrencyFor(images)),
    FHIR_CONNECTIONS: String(inFlightFor(images)),
    SETTLE_MIN_MS: "0",
    SETTLE_MAX_MS: "0",
    FEED_READ_AHEAD: String(READ_AHEAD),
    // The feed has no end here: this keeps the follower from reading far more of it than is synced meanwhile.
    LOW_PENDING_MAX: images === 1 ? "1000" : "100",
  });
  const count = () => stage.count("ImagingStudy");
  await until(async () => (await count()) > 0, 20, signal);
  await delay(1000, undefined, { signal });
  const before = stage.cpu();
  const first = await count();
  const startedMs = performance.now();
  await delay(seconds * 1000, undefined, { signal });
  const studies = (await count()) - first;
  return { studies, seconds: (performance.now() - startedMs) / 1000, cpu: used(before, stage.cpu()) };
}

async function timed(
  stage: Stage,
  seconds: number,
  play: (end: AbortSignal) => Promise<number>,
  perStudy = 1,
): Promise<Measured> {
  const before = stage.cpu();
  const own = process.cpuUsage();
  const startedMs = performance.now();
  const done = await play(AbortSignal.timeout(seconds * 1000));
  const { user, system } = process.cpuUsage(own);
  const cpu = { ...used(before, stage.cpu()), "the loop": (user + system) / 1e6 };
  return { studies: done / perStudy, seconds: (performance.now() - startedMs) / 1000, cpu };
}

function used(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [name, Math.round((seconds - (before[name] ?? 0)) * 100) / 100]),
  );
}
