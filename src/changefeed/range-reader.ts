/**
 * Reads the windows of one range, several ahead, and finds its way around pages that fail. In memory only: what was read ahead and not taken is read again.
 *
 * A window that fails while the feed's end can be read is not an outage: the windows become half as wide, down to one sequence. If that one goes on
 * failing while its neighbour answers, it is reported as unreadable, and the range goes on behind it. Wider windows come back with success.
 */
import { StudycastError } from "../errors.ts";
import type { FeedClient, PageRead } from "./client.ts";
import type { Window } from "./tracker.ts";

const TRIES_OF_ONE = 3;
/** Windows grow again after this many that were read: a service that is slow for wide ones would else fail every second time. */
const WIDEN_AFTER = 4;

export type WindowRead =
  | { kind: "page"; window: Window; page: PageRead }
  /** Try again after `failures`-fold back-off; the width has been adapted. */
  | { kind: "failed"; failures: number; error: StudycastError }
  | { kind: "unreadable"; sequence: number; serverNow: bigint };

export type RangeReader = {
  /** How wide the windows asked for should be now. */
  width(): number;
  /** Reads the first window, with the others under way. Throws what concerns the whole feed. */
  read(plan: readonly [Window, ...Window[]], signal: AbortSignal): Promise<WindowRead>;
};

export function createRangeReader(client: FeedClient, pageSize: number): RangeReader {
  const underWay = new Map<string, Promise<PageRead>>();
  let width = pageSize;
  let failures = 0;
  let goodReads = 0;

  function start(window: Window, signal: AbortSignal): Promise<PageRead> {
    const read = client.page(window.after, window.to - window.after, signal);
    // Its failure is told when its turn comes; if it is dropped, nobody needs to know.
    read.catch(() => undefined);
    underWay.set(keyOf(window), read);
    return read;
  }

  /** The server's time when one of these sequences can be read alone; the error of the last when none can: then no page can be read at present. */
  async function otherPageAnswers(others: readonly number[], signal: AbortSignal): Promise<bigint> {
    let last: unknown;
    for (const after of others) {
      try {
        return (await client.page(after, 1, signal)).serverNow;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  /** Throws if the feed as a whole has trouble. */
  async function afterFailure(window: Window, error: StudycastError, signal: AbortSignal): Promise<WindowRead> {
    const latest = await client.latest(signal);
    failures++;
    goodReads = 0;
    const isOne = window.to - window.after === 1;
    if (isOne && failures >= TRIES_OF_ONE) {
      const serverNow = await otherPageAnswers(
        [window.to, Math.max(0, window.after - 1), latest?.sequence ?? 0],
        signal,
      );
      failures = 0;
      return { kind: "unreadable", sequence: window.to, serverNow };
    }
    // The tries of a single sequence count from the first time it is read alone.
    if (!isOne && width > 1) {
      width = Math.max(1, Math.floor((window.to - window.after) / 2));
      if (width === 1) failures = 0;
    }
    return { kind: "failed", failures, error };
  }

  return {
    width: () => width,
    async read(plan, signal) {
      const [window] = plan;
      const wanted = new Set(plan.map(keyOf));
      for (const key of underWay.keys()) if (!wanted.has(key)) underWay.delete(key);
      for (const next of plan) if (!underWay.has(keyOf(next))) void start(next, signal);
      try {
        const page = await (underWay.get(keyOf(window)) ?? start(window, signal));
        underWay.delete(keyOf(window));
        failures = 0;
        if (width < pageSize && ++goodReads >= WIDEN_AFTER) {
          width = Math.min(pageSize, width * 2);
          goodReads = 0;
        }
        return { kind: "page", window, page };
      } catch (error) {
        underWay.clear();
        if (!(error instanceof StudycastError) || !isOfThePage(error)) throw error;
        return afterFailure(window, error, signal);
      }
    },
  };
}

const keyOf = ({ after, to }: Window) => `${after}-${to}`;

/** Whether the failure may be this page's own: an answer with an error, one that is broken or too large, or one that does not come in time. */
function isOfThePage({ code, detail }: StudycastError): boolean {
  if (code === "FEED_RESPONSE") return true;
  if (code !== "FEED_UNAVAILABLE") return false;
  return detail["status"] !== undefined || detail["step"] === "body" || detail["kind"] === "timeout";
}
