/** What a pending study costs in Redis: its row, its place in the work list and its BullMQ job. */
import { createSyncQueue } from "../src/queue/index.ts";
import { closeRedis, createRedis, memoryUse, startEmbeddedRedis, untilReady } from "../src/redis/index.ts";
import { createState } from "../src/state/index.ts";
import { DEFAULT_PARTITION, studyId } from "../src/study.ts";
import type { Answer, Question, Run } from "./question.ts";
import { SOURCE_ID } from "./stage.ts";

const CHUNK = 500;

export const redisBytes: Question = {
  name: "redis-bytes",
  title: "Redis memory per pending study",
  async ask({ quick, signal }: Run): Promise<Answer> {
    const studies = quick ? 5000 : 100_000;
    const embedded = await startEmbeddedRedis({ mode: "temporary", env: process.env, tell: () => {} }, signal);
    const address = { kind: "socket", path: embedded.socketPath, db: 0 } as const;
    const redis = createRedis({ address, name: "bench", kind: "prompt" });
    await untilReady(redis, signal);
    const queue = createSyncQueue({ sourceId: SOURCE_ID, connection: { address } });
    try {
      const settle = { minMs: 3_600_000, maxMs: 3_600_000, factor: 10, burstEndMs: 60_000 };
      const state = createState(redis, { sourceId: SOURCE_ID, settle, graceMs: 300_000 });
      const before = (await memoryUse(redis)).used;
      for (let at = 0; at < studies; at += CHUNK) {
        // 60 characters, as those of most scanners.
        const changes = Array.from({ length: CHUNK }, (_, i) => ({
          study: studyId(DEFAULT_PARTITION, `1.3.6.1.4.1.32473.1.${1e14 + at + i}.1000000000.1000000000000`),
          priority: "live" as const,
          changedAtMs: Date.now(),
        }));
        const marked = await state.mark(changes);
        if (marked.ok) await queue.enqueue(marked.orders);
      }
      const bytes = ((await memoryUse(redis)).used - before) / studies;
      return {
        figures: [
          {
            what: "used_memory per pending study, its job included",
            value: bytes,
            unit: "B",
            target: { atMost: 2048 },
          },
        ],
        notes: [`${studies.toLocaleString("en-US")} studies marked and enqueued with their settle time still running.`],
      };
    } finally {
      await queue.close();
      closeRedis(redis);
      await embedded.stop();
    }
  },
};
