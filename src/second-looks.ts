/**
 * Second looks: whoever follows the feed marks each study once more some time after a write of it whose answer never came (job.ts notes them).
 *
 * A creation has no version to be conditional on. A server that carries one out after the study's next sync puts old content into FHIR, or a study that
 * has been deleted; no change would follow that sets it right.
 */
import type { SyncQueue } from "./queue/index.ts";
import type { Room } from "./room.ts";
import type { State } from "./state/index.ts";
import { sleep } from "./time.ts";

export type SecondLookDeps = {
  state: Pick<State, "dueSecondLooks" | "endSecondLooks" | "mark">;
  queue: Pick<SyncQueue, "enqueue">;
  room: Pick<Room, "untilLow" | "marked">;
  pollMs: number;
  onSecondLooks(studies: number): void;
};

/** So many studies at a time. */
const CHUNK = 100;

/**
 * Marks the studies that are due, at low priority, until the signal aborts. A note goes after its study is marked: marked twice does no harm.
 * @throws StudycastError of service redis
 */
export async function takeSecondLooks(deps: SecondLookDeps, signal: AbortSignal): Promise<void> {
  const { state, queue, room } = deps;
  while (!signal.aborted) {
    const due = await state.dueSecondLooks(CHUNK);
    if (due.length === 0) {
      await sleep(deps.pollMs, signal);
      continue;
    }
    await room.untilLow(signal);
    if (signal.aborted) return;
    const marked = await state.mark(due.map(({ study }) => ({ study, priority: "low" })));
    room.marked(due.length);
    if (marked.ok) await queue.enqueue(marked.orders);
    await state.endSecondLooks(due);
    deps.onSecondLooks(due.length);
  }
}
