/**
 * The Redis of one run: a single one, a pair whose replica may lag, or a cluster of three with a password. Workers reach it through a gate of their own
 * where its kind allows that (a cluster tells its clients its nodes' addresses).
 */

import type { RedisClient } from "../../src/redis/index.ts";
import { startTestRedis } from "../support/redis.ts";
import type { Gate, GateTarget } from "./gate.ts";
import { openGate } from "./gate.ts";
import { startCluster } from "./redis-cluster.ts";
import { startPair } from "./redis-pair.ts";

export type RedisKind = "single" | "pair" | "cluster";

/** What can be done to it. Those that a kind does not know are undefined. */
export type RedisServer = {
  /** For the run's own questions, past all gates. */
  client(): RedisClient;
  /** Where a gate leads; undefined: workers are given `url`. */
  target: (() => GateTarget) | undefined;
  url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** All data is gone. */
  lose(): Promise<void>;
  copy: (() => Promise<Uint8Array>) | undefined;
  rollBack: ((copy: Uint8Array) => Promise<void>) | undefined;
  /** The replica stops to take in what the primary writes. */
  lag: (() => void) | undefined;
  /** The primary dies; the replica is the primary from now on. Gates must be led to `target()` again. */
  failOver: (() => Promise<void>) | undefined;
  /** All nodes, for settings. */
  nodes(): RedisClient[];
  stop(): Promise<void>;
};

export type ChaosRedis = RedisServer & {
  kind: RedisKind;
  /** A way to this Redis for one worker; without a gate where there can be none. */
  way(): Promise<{ url: string; gate: Gate | undefined }>;
  failOver: (() => Promise<void>) | undefined;
};

/** The keys of `sourceId` are what its faults befall. */
export async function startChaosRedis(kind: RedisKind, sourceId: string): Promise<ChaosRedis> {
  const server = await { single: startSingle, pair: startPair, cluster: startCluster }[kind](sourceId);
  const gates: Gate[] = [];
  const { failOver } = server;
  return {
    ...server,
    kind,
    async way() {
      if (server.target === undefined) return { url: server.url, gate: undefined };
      const gate = await openGate(server.target());
      gates.push(gate);
      return { url: `redis://127.0.0.1:${gate.port}`, gate };
    },
    failOver:
      failOver &&
      (async () => {
        await failOver();
        for (const gate of gates) if (server.target !== undefined) gate.lead(server.target());
      }),
    async stop() {
      await Promise.all(gates.map((gate) => gate.close()));
      await server.stop();
    },
  };
}

async function startSingle(): Promise<RedisServer> {
  const redis = await startTestRedis(["--appendfsync", "everysec", "--enable-protected-configs", "yes"]);
  return {
    client: () => redis.redis,
    target: () => ({ path: redis.socketPath }),
    url: redis.url,
    kill: redis.kill,
    restart: redis.restart,
    freeze: redis.freeze,
    thaw: redis.thaw,
    lose: async () => void (await redis.redis.flushall()),
    copy: redis.copy,
    rollBack: redis.rollback,
    lag: undefined,
    failOver: undefined,
    nodes: () => [redis.redis],
    stop: redis.stop,
  };
}
