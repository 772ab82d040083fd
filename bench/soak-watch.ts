/** Looks at a worker process again and again: resident memory, heap, open files, handles; and what became of them. */
import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "./child.ts";
import { median } from "./question.ts";

/** One look; `heapMb` and `handles` are NaN when the process did not tell them at that moment. */
export type Look = { atMs: number; rssMb: number; files: number; heapMb: number; handles: number };
export type Life = { name: string; looks: Look[]; mostMb: number };

const EVERY_MS = 2000;
/** Metrics are asked for as often as a Prometheus would. */
const METRICS_EVERY = 5;

/** Looks until the process ends or the signal aborts. */
export async function watchWorker(name: string, child: Child, url: string, signal: AbortSignal): Promise<Life> {
  const life: Life = { name, looks: [], mostMb: 0 };
  const ended = new AbortController();
  void child.exited.then(() => ended.abort());
  const until = AbortSignal.any([signal, ended.signal]);
  for (let n = 0; !until.aborted; n++) {
    const { nowMb, mostMb } = child.memory();
    const { heapMb, handles } =
      n % METRICS_EVERY === 0 ? await ownWords(url) : { heapMb: Number.NaN, handles: Number.NaN };
    if (nowMb > 0)
      life.looks.push({ atMs: performance.now(), rssMb: nowMb, files: child.openFiles(), heapMb, handles });
    life.mostMb = Math.max(life.mostMb, mostMb);
    await delay(EVERY_MS, undefined, { signal: until }).catch(() => {});
  }
  return life;
}

async function ownWords(url: string): Promise<{ heapMb: number; handles: number }> {
  try {
    const page = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2000) })).text();
    const value = (name: string) => Number(new RegExp(`^studycast_${name} (\\S+)$`, "m").exec(page)?.[1] ?? Number.NaN);
    return { heapMb: value("nodejs_heap_size_used_bytes") / 1e6, handles: value("nodejs_active_resources_total") };
  } catch {
    return { heapMb: Number.NaN, handles: Number.NaN };
  }
}

/** Least-squares slope of a value per minute; NaN for fewer than two values. */
export function slopePerMinute(points: readonly { atMs: number; value: number }[]): number {
  const known = points.filter(({ value }) => Number.isFinite(value));
  const meanX = mean(known.map(({ atMs }) => atMs / 60_000));
  const meanY = mean(known.map(({ value }) => value));
  let [over, under] = [0, 0];
  for (const { atMs, value } of known) {
    over += (atMs / 60_000 - meanX) * (value - meanY);
    under += (atMs / 60_000 - meanX) ** 2;
  }
  return over / under;
}

/** The looks after the first `ms` of a life. */
export function after(life: Life, ms: number): Look[] {
  const from = (life.looks[0]?.atMs ?? 0) + ms;
  return life.looks.filter(({ atMs }) => atMs >= from);
}

/** Median of the last quarter less that of the first. */
export function growth(values: readonly number[]): number {
  const known = values.filter(Number.isFinite);
  const part = Math.max(1, Math.floor(known.length / 4));
  return median(known.slice(-part)) - median(known.slice(0, part));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
