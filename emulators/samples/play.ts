// Plays a hospital day against a DICOM service over HTTP: STOW-RS, $bulkUpdate, DELETE.
import { setTimeout as sleep } from "node:timers/promises";
import type { HospitalDayStep } from "./hospital-day.ts";
import { type Stored, send, storeFiles } from "./stow.ts";

export type PlayProgress = Stored & { step: number; steps: number; at: string; what: string };

export type PlayOptions = {
  /** After each step, with the counts so far. */
  onProgress?: (progress: PlayProgress) => void;
  /** Wait between two steps; default 0. */
  pauseMs?: number;
  signal?: AbortSignal;
};

const POLL_MS = 100;
const OPERATION_LIMIT_MS = 60_000;

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}

function member(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
}

/** Starts the update (waiting while another one runs: 409) and follows the operation to its end. */
async function bulkUpdate(
  dicomUrl: string,
  step: Extract<HospitalDayStep, { kind: "bulkUpdate" }>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const { studyInstanceUids, changeDataset } = step;
  const body = JSON.stringify({ studyInstanceUids, changeDataset });
  const end = Date.now() + OPERATION_LIMIT_MS;
  let operation: string | undefined;
  while (Date.now() < end) {
    const response =
      operation === undefined
        ? await send(`${dicomUrl}/v2/studies/$bulkUpdate`, { method: "POST", headers, body }, signal)
        : await send(`${dicomUrl}/v2/operations/${operation}`, { headers }, signal);
    if (operation === undefined && response.status === 202) {
      operation = String(member(await response.json(), "id"));
    } else if (operation !== undefined && response.status === 200) {
      const status = member(await response.json(), "status");
      if (status === "succeeded" || status === "completed") return;
      throw new Error(`$bulkUpdate ended as ${String(status)}`);
    } else {
      await response.body?.cancel();
      const busy = operation === undefined ? response.status === 409 : response.status === 202;
      if (!busy) throw new Error(`$bulkUpdate was answered with status ${response.status}`);
      await pause(POLL_MS, signal);
    }
  }
  throw new Error(`$bulkUpdate did not end within ${OPERATION_LIMIT_MS} ms`);
}

async function remove(dicomUrl: string, path: string, signal: AbortSignal | undefined): Promise<void> {
  const response = await send(`${dicomUrl}/v2${path}`, { method: "DELETE" }, signal);
  await response.body?.cancel();
  if (response.status !== 204) throw new Error(`DELETE was answered with status ${response.status}`);
}

async function playStep(dicomUrl: string, step: HospitalDayStep, signal: AbortSignal | undefined): Promise<Stored> {
  if (step.kind === "store") return storeFiles(dicomUrl, step.files, signal);
  if (step.kind === "bulkUpdate") await bulkUpdate(dicomUrl, step, signal);
  else await remove(dicomUrl, step.path, signal);
  return { stored: 0, refused: 0 };
}

/**
 * Plays the steps in order against a service with the API under `<dicomUrl>/v2` (no trailing slash). Returns the files stored
 * and refused. Throws when an update or deletion is refused, when the service stays away, and when the signal aborts.
 */
export async function playHospitalDay(
  dicomUrl: string,
  steps: readonly HospitalDayStep[],
  options: PlayOptions = {},
): Promise<Stored> {
  const { signal, pauseMs = 0, onProgress } = options;
  const sum: Stored = { stored: 0, refused: 0 };
  for (const [i, step] of steps.entries()) {
    signal?.throwIfAborted();
    if (i > 0 && pauseMs > 0) await pause(pauseMs, signal);
    const one = await playStep(dicomUrl, step, signal);
    sum.stored += one.stored;
    sum.refused += one.refused;
    onProgress?.({ ...sum, step: i + 1, steps: steps.length, at: step.at, what: step.what });
  }
  return sum;
}
