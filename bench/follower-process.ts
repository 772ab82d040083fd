/**
 * A process that follows a feed with the worker's own parts, marks the studies and enqueues their jobs, and runs none of them. With `--bare` it only fetches
 * and parses the same pages, as many at once, and does nothing with them. It tells each second how many entries it has dealt with.
 */
import { parseArgs } from "node:util";
import { Agent, request } from "undici";
import { createFeedClient } from "../src/changefeed/index.ts";
import { runFollower } from "../src/follower.ts";
import { createLog, errorFields } from "../src/log.ts";
import { createSyncQueue } from "../src/queue/index.ts";
import { closeRedis, createRedis, memoryUse, parseRedisAddress, untilReady } from "../src/redis/index.ts";
import { createRoom } from "../src/room.ts";
import { createState } from "../src/state/index.ts";
import { SOURCE_ID } from "./stage.ts";

const { values } = parseArgs({
  options: {
    dicom: { type: "string", default: "" },
    redis: { type: "string", default: "" },
    entries: { type: "string", default: "0" },
    bare: { type: "boolean", default: false },
  },
});
const PAGE = 100;
const READ_AHEAD = 4;
const total = Number(values.entries);
const log = createLog("warn");
const end = new AbortController();
process.stdin.on("end", () => end.abort()).resume();
process.once("SIGTERM", () => end.abort());
let seen = 0;
let startedMs = 0;
let wanted = total;

/** Counts from the first page on, so that the start of the process is left out. */
function count(entries: number): void {
  if (startedMs === 0) {
    startedMs = performance.now();
    wanted = total - entries;
    return;
  }
  seen += entries;
  if (seen >= wanted) {
    process.stdout.write(
      `DONE ${JSON.stringify({ entries: seen, seconds: (performance.now() - startedMs) / 1000 })}\n`,
    );
    end.abort();
  }
}

async function fetchAndParse(): Promise<void> {
  const dispatcher = new Agent({ connections: READ_AHEAD });
  let next = 0;
  const lane = async () => {
    while (next < total) {
      const offset = next;
      next += PAGE;
      const url = `${values.dicom}/v1/changefeed?offset=${offset}&limit=${PAGE}&includeMetadata=false`;
      const { body } = await request(url, { headers: { accept: "application/json" }, dispatcher });
      const page: unknown = JSON.parse(Buffer.from(await body.arrayBuffer()).toString("utf8"));
      count(Array.isArray(page) ? page.length : 0);
    }
  };
  await Promise.all(Array.from({ length: READ_AHEAD }, lane));
  await dispatcher.close();
}

async function follow(): Promise<void> {
  const address = parseRedisAddress(values.redis, {});
  const redis = createRedis({ address, name: "bench", kind: "prompt" });
  await untilReady(redis, end.signal);
  const settle = { minMs: 1000, maxMs: 60_000, factor: 10, burstEndMs: 60_000 };
  const state = createState(redis, { sourceId: SOURCE_ID, settle, graceMs: 300_000 });
  const queue = createSyncQueue({ sourceId: SOURCE_ID, connection: { address } });
  const dispatcher = new Agent({ connections: READ_AHEAD + 4 });
  const feed = createFeedClient({ url: values.dicom, dispatcher, requestTimeoutMs: 60_000, maxBytes: 16_777_216 });
  const room = createRoom(
    // Nothing is synced, so nothing may wait for it.
    { pendingMax: 10_000_000, lowPendingMax: 10_000_000, memoryMaxPercent: 75 },
    { counts: state.counts, memory: () => memoryUse(redis), now: Date.now },
  );
  await runFollower(
    {
      feed,
      state,
      queue,
      onTrouble: (error) => error && log.warn("following was interrupted", errorFields(error)),
      feedStart: async () => "beginning",
      follow: {
        ...{ pageSize: PAGE, readAhead: READ_AHEAD, graceMs: 300_000, rereadAfterMs: 21_600_000 },
        ...{ pollMinMs: 500, pollMaxMs: 5000, backoffCapMs: 60_000 },
        mayRead: room.mayMark,
        observe: () => {},
        now: Date.now,
        random: Math.random,
      },
      leaseMs: 15_000,
      besides: [],
      onLease: () => {},
      onPage(page, studies) {
        room.marked(studies);
        count(page.entries.length);
      },
    },
    end.signal,
  );
  await queue.close();
  closeRedis(redis);
  await dispatcher.destroy();
}

await (values.bare ? fetchAndParse() : follow());
process.stdin.destroy();
