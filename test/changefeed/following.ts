/** Runs follow() in the background and keeps what it yields, for tests that script the feed meanwhile. */
import {
  type Checkpoint,
  createFeedClient,
  type FeedPage,
  type FeedStart,
  type FeedStatus,
  type FollowOptions,
  follow,
  initialCheckpoint,
} from "../../src/changefeed/index.ts";

export const FAST: Omit<FollowOptions, "mayRead" | "observe"> = {
  pageSize: 100,
  readAhead: 4,
  graceMs: 2_000,
  rereadAfterMs: 2_000,
  pollMinMs: 20,
  pollMaxMs: 100,
  backoffCapMs: 300,
  now: Date.now,
  random: Math.random,
};

export type Following = {
  pages: FeedPage[];
  statuses: FeedStatus[];
  sequences(priority?: "live" | "low"): number[];
  checkpoint(): Checkpoint;
  until(what: string, condition: () => boolean, timeoutMs?: number): Promise<void>;
  /** Aborts; gives the milliseconds until the iteration had ended. */
  stop(): Promise<number>;
};

export function feedClient(url: string, requestTimeoutMs = 2_000) {
  return createFeedClient({ url, requestTimeoutMs, maxBytes: 1_000_000 });
}

export async function startFollowing(
  url: string,
  from: FeedStart | Checkpoint,
  options: Partial<FollowOptions> = {},
): Promise<Following> {
  const client = feedClient(url);
  const abort = new AbortController();
  const pages: FeedPage[] = [];
  const statuses: FeedStatus[] = [];
  const isCheckpoint = typeof from === "object" && "ranges" in from;
  let checkpoint = isCheckpoint ? from : initialCheckpoint(from, await client.latest(abort.signal));
  const observe = (status: FeedStatus) => void statuses.push(status);
  const all: FollowOptions = { ...FAST, mayRead: async () => true, observe, ...options };
  const ended = (async () => {
    for await (const page of follow(client, checkpoint, all, abort.signal)) {
      pages.push(page);
      checkpoint = page.checkpoint;
    }
  })();
  return {
    pages,
    statuses,
    checkpoint: () => checkpoint,
    sequences: (priority) =>
      pages
        .filter((page) => priority === undefined || page.priority === priority)
        .flatMap(({ entries }) => entries.map(({ sequence }) => sequence)),
    async until(what, condition, timeoutMs = 8_000) {
      const endMs = Date.now() + timeoutMs;
      while (!condition()) {
        if (Date.now() > endMs) throw new Error(`not in time: ${what}; last status ${JSON.stringify(statuses.at(-1))}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async stop() {
      const startMs = Date.now();
      abort.abort();
      await ended;
      return Date.now() - startMs;
    },
  };
}

export function upTo(last: number, from = 1): number[] {
  return Array.from({ length: last - from + 1 }, (_, at) => from + at);
}
