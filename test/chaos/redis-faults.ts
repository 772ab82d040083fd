/** A Redis that dies, goes back in time, loses everything, or refuses writes. */
import { setTimeout as delay } from "node:timers/promises";
import type { FaultKind } from "./fault.ts";

export const REDIS_FAULTS: Readonly<Record<string, FaultKind>> = {
  "redis-killed": {
    lasts: [0, 1200],
    weight: 2,
    group: "redis",
    async begin({ redis }) {
      await redis.kill();
      return redis.restart;
    },
  },
  "redis-frozen": {
    lasts: [100, 1500],
    group: "redis",
    begin({ redis }) {
      redis.freeze();
      return () => redis.thaw();
    },
  },
  "redis-rolled-back": {
    lasts: [50, 1200],
    redis: ["single"],
    weight: 3,
    group: "redis",
    async begin({ redis }) {
      const copy = await redis.copy?.();
      return async () => {
        if (copy !== undefined) await redis.rollBack?.(copy);
      };
    },
  },
  "redis-lost": {
    lasts: [0, 0],
    group: "redis",
    async begin({ redis }) {
      await redis.lose();
      return () => {};
    },
  },
  "redis-failed-over": {
    lasts: [50, 1000],
    redis: ["pair"],
    weight: 6,
    group: "redis",
    begin({ redis }) {
      redis.lag?.();
      return () => redis.failOver?.();
    },
  },
  "redis-full": {
    lasts: [200, 1500],
    group: "redis",
    async begin({ redis }) {
      for (const node of redis.nodes()) {
        const used = Number(/used_memory:(\d+)/.exec(String(await node.info("memory")))?.[1]);
        await node.config("SET", "maxmemory", String(Math.max(1, used - 1000)));
      }
      return async () => {
        for (const node of redis.nodes()) await node.config("SET", "maxmemory", "0");
      };
    },
  },
  "redis-disk-full": {
    // Redis answers MISCONF to every write after a snapshot that failed.
    lasts: [200, 1500],
    group: "redis",
    async begin({ redis }) {
      const nodes = redis.nodes();
      for (const node of nodes) {
        await node.config("SET", "save", "3600 1000000");
        await node.config("SET", "dbfilename", "appendonlydir"); // a folder: nothing can be saved there
        await node.bgsave();
      }
      await delay(100);
      return async () => {
        for (const node of nodes) {
          await node.config("SET", "dbfilename", "dump.rdb");
          await node.config("SET", "save", "");
        }
      };
    },
  },
};
