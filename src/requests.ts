/**
 * Operators' requests, carried out by whoever follows the feed. Every one may be repeated from its beginning at any time: marking a study twice does no
 * harm. Studies are marked in small numbers, so that new images never wait behind them.
 */
import { randomUUID } from "node:crypto";
import { addRange, type FeedClient, msToTicks, parseCheckpoint } from "./changefeed/index.ts";
import type { DicomClient } from "./dicomweb/index.ts";
import { errorRow, StudycastError, toStudycastError } from "./errors.ts";
import { errorFields, type Log } from "./log.ts";
import type { SyncQueue } from "./queue/index.ts";
import { parseRequest, type Request } from "./request.ts";
import type { Room } from "./room.ts";
import type { Change, State, StoredRequest } from "./state/index.ts";
import type { Priority, StudyId } from "./study.ts";
import { sleep } from "./time.ts";

export type RequestDeps = {
  state: State;
  queue: Pick<SyncQueue, "enqueue">;
  feed: FeedClient;
  dicom: Pick<DicomClient, "searchStudies">;
  /** The partitions to search; the default one where the service has none. */
  partitions(signal: AbortSignal): Promise<readonly string[]>;
  /** Every study of this source that FHIR holds. */
  ownedStudies(signal: AbortSignal): AsyncIterable<StudyId>;
  room: Pick<Room, "untilLow" | "marked">;
  log: Log;
  pollMs: number;
  onDone(kind: Request["kind"]): void;
};

const CHUNK = 100;
/** A time in the feed may lie this far beside its place by sequence. */
const TIME_MARGIN_MS = 10 * 60_000;
const RETRY_MS = 5000;

/** Carries out requests, the oldest first, until the signal aborts. Trouble that passes puts a request off, what only a person can cure ends it as failed. */
export async function carryOutRequests(deps: RequestDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const stored = await deps.state.claimRequest();
    if (stored === undefined) await sleep(deps.pollMs, signal);
    else await carryOutStored(stored, deps, signal);
  }
}

async function carryOutStored(stored: StoredRequest, deps: RequestDeps, signal: AbortSignal): Promise<void> {
  const request = parseRequest(stored.command);
  if (request === undefined) return deps.state.finishRequest(stored.id, { state: "failed", code: "INTERNAL" });
  try {
    await carryOut(stored, request, deps, signal);
    if (signal.aborted) return;
    await deps.state.finishRequest(stored.id, { state: "done" });
    deps.log.info("request done", { request: stored.id, command: request.kind });
    deps.onDone(request.kind);
  } catch (thrown) {
    const error = toStudycastError(thrown);
    if (signal.aborted) return;
    // One that only a person can help must not stand before all later ones for ever.
    const failed = errorRow(error.code).class === "permanent";
    const text = failed ? "request failed" : "request interrupted";
    deps.log.warn(text, { request: stored.id, command: request.kind, ...errorFields(error) });
    if (failed) await deps.state.finishRequest(stored.id, { state: "failed", code: error.code });
    else await sleep(RETRY_MS, signal);
  }
}

async function carryOut(
  { id, createdMs: askedMs }: StoredRequest,
  request: Request,
  deps: RequestDeps,
  signal: AbortSignal,
): Promise<void> {
  switch (request.kind) {
    case "study":
      return markAll(
        id,
        listed(request.studies),
        { priority: "low", confirmDelete: request.confirmDeletes },
        deps,
        signal,
        request.studies.length,
      );
    case "retry":
      if (request.studies === "all") return markAll(id, deps.state.allFailed(), { priority: "low" }, deps, signal);
      return markAll(id, listed(request.studies), { priority: "live" }, deps, signal, request.studies.length);
    case "study-date":
      return markAll(
        id,
        byStudyDate(request, deps, signal),
        { priority: "low", confirmDelete: request.confirmDeletes },
        deps,
        signal,
      );
    case "changed":
      return readAgain(id, { ...(await changedRange(request, deps, signal)), askedMs }, deps);
    case "all": {
      // FHIR's studies first: their syncs are then remembered, and the feed's entries of the same studies are skipped.
      const owned = chunked(deps.ownedStudies(signal));
      await markAll(id, owned, { priority: "low", confirmDelete: request.confirmDeletes }, deps, signal);
      const latest = await deps.feed.latest(signal);
      return readAgain(id, { from: 1, to: latest?.sequence ?? 0, askedMs }, deps);
    }
  }
}

type Template = { priority: Priority; confirmDelete?: boolean };

async function markAll(
  id: string,
  studies: AsyncIterable<readonly StudyId[]>,
  template: Template,
  deps: RequestDeps,
  signal: AbortSignal,
  total?: number,
): Promise<void> {
  let done = 0;
  for await (const chunk of studies) {
    await deps.room.untilLow(signal);
    if (signal.aborted) return;
    const changes: Change[] = chunk.map((study) => ({ study, ...template }));
    const marked = await deps.state.mark(changes);
    deps.room.marked(chunk.length);
    if (marked.ok) await deps.queue.enqueue(marked.orders);
    done += chunk.length;
    await deps.state.updateRequest(id, { done, ...(total === undefined ? {} : { total }) });
  }
}

async function* listed(studies: readonly StudyId[]): AsyncGenerator<StudyId[], void> {
  for (let at = 0; at < studies.length; at += CHUNK) yield studies.slice(at, at + CHUNK);
}

async function* chunked(studies: AsyncIterable<StudyId>): AsyncGenerator<StudyId[], void> {
  let chunk: StudyId[] = [];
  for await (const study of studies) {
    chunk.push(study);
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

async function* byStudyDate(
  { from, to }: Extract<Request, { kind: "study-date" }>,
  { dicom, partitions }: RequestDeps,
  signal: AbortSignal,
): AsyncGenerator<StudyId[], void> {
  const studyDate = { from: from ?? "", to: to ?? "" }; // an absent end is open
  for (const partition of await partitions(signal))
    yield* chunked(dicom.searchStudies({ studyDate }, partition, signal));
}

async function changedRange(
  { sinceMs, untilMs }: Extract<Request, { kind: "changed" }>,
  { feed }: RequestDeps,
  signal: AbortSignal,
): Promise<{ from: number; to: number }> {
  const latest = (await feed.latest(signal))?.sequence ?? 0;
  const from = (await feed.sequenceAt(msToTicks(sinceMs), signal)) ?? latest + 1;
  const to =
    untilMs === undefined ? latest : ((await feed.sequenceAt(msToTicks(untilMs + TIME_MARGIN_MS), signal)) ?? latest);
  return { from, to };
}

/** Adds the range to the stored checkpoint, with the time of asking, or studies that were read since their change would be left out; the follower sees that another write came between, and starts again from there. */
async function readAgain(
  id: string,
  range: { from: number; to: number; askedMs: number },
  { state }: RequestDeps,
): Promise<void> {
  for (;;) {
    const stored = await state.checkpoint();
    if (stored.kind === "none") throw new StudycastError("FEED_UNAVAILABLE", { checkpoint: "none yet" });
    const checkpoint = JSON.stringify(addRange(parseCheckpoint(stored.text), range, `request-${id}`));
    const marked = await state.mark([], { page: { expected: stored.writeId, writeId: randomUUID(), checkpoint } });
    if (marked.ok) return;
  }
}
