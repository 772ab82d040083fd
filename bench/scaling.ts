/** Whether more worker processes do more: studies per second with one, two and four of them, where the FHIR server's latency is the limit and not the processors. */
import { setTimeout as delay } from "node:timers/promises";
import type { Answer, Question, Run } from "./question.ts";
import { median } from "./question.ts";
import { type Stage, startStage, until } from "./stage.ts";

const FHIR_LATENCY_MS = 200;
const CONCURRENCY = 4;
const PROCESSES = [1, 2, 4] as const;
const LOOK_MS = 20;

export const scaling: Question = {
  name: "scaling",
  title: "One, two and four worker processes where FHIR takes 200 ms",
  async ask({ quick, tell, signal }: Run): Promise<Answer> {
    const seconds = quick ? 4 : 20;
    const turns = quick ? 1 : 3;
    const rates = new Map<number, number[]>(PROCESSES.map((count) => [count, []]));
    const shares: string[] = [];
    for (let turn = 0; turn < turns; turn++) {
      for (const count of PROCESSES) {
        const { rate, busy } = await measure(count, seconds, signal);
        rates.get(count)?.push(rate);
        if (turn === turns - 1) shares.push(`${count}: ${Math.round(busy)} %`);
        tell(`${count} worker processes: ${rate.toFixed(1)} studies/s, ${Math.round(busy)} % of a processor`);
      }
    }
    const rate = (count: number) => median(rates.get(count) ?? []);
    return {
      figures: [
        { what: "one process", value: rate(1), unit: "studies/s" },
        { what: "two processes", value: rate(2), unit: "studies/s" },
        { what: "four processes", value: rate(4), unit: "studies/s" },
        { what: "two / one", value: rate(2) / rate(1), unit: "×", target: { atLeast: 1.9 } },
        { what: "four / one", value: rate(4) / rate(1), unit: "×", target: { atLeast: 3.5 } },
      ],
      notes: [
        `New studies of one image, concurrency ${CONCURRENCY} each, ${FHIR_LATENCY_MS} ms before FHIR and 5 ms before DICOM, settle time 0; the median of ${turns} turns of ${seconds} s each, in the order one, two, four. Processor share of workers, emulators and proxies together, of two processors (200 %), in the last turn: ${shares.join(", ")}.`,
      ],
    };
  },
};

type Measured = { rate: number; busy: number };

/** Studies per second between two moments under full load, with every process at work. */
async function measure(count: number, seconds: number, signal: AbortSignal): Promise<Measured> {
  const latencies = { latencyMs: 5, fhirLatencyMs: FHIR_LATENCY_MS };
  const stage = await startStage({ synthetic: "studies=100000,images=1", ...latencies }, signal);
  try {
    const env = {
      CONCURRENCY: String(CONCURRENCY),
      SETTLE_MIN_MS: "0",
      SETTLE_MAX_MS: "0",
      LOW_PENDING_MAX: "2000",
    };
    const workers = Array.from({ length: count }, () => stage.startWorker(env));
    await Promise.all(workers.map((worker) => worker.line(/checks have passed/)));
    const studies = () => stage.count("ImagingStudy");
    await until(async () => (await studies()) >= 10 * count, LOOK_MS, signal);
    await delay(1000, undefined, { signal });
    const used = () => busySeconds(stage) + workers.reduce((sum, worker) => sum + worker.cpuSeconds(), 0);
    const [before, first, startedMs] = [used(), await studies(), performance.now()];
    await delay(seconds * 1000, undefined, { signal });
    const done = (await studies()) - first;
    const took = (performance.now() - startedMs) / 1000;
    return { rate: done / took, busy: (100 * (used() - before)) / took };
  } finally {
    await stage.stop();
  }
}

/** Processor seconds of all but the workers, which share one name. */
function busySeconds(stage: Stage): number {
  return Object.entries(stage.cpu()).reduce((sum, [name, seconds]) => (name === "worker" ? sum : sum + seconds), 0);
}
