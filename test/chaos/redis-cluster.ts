/** Three masters of a Redis Cluster with a password. What is done to "the Redis" is done to the node that holds the run's keys: a source lives in one slot. */
import { setTimeout as delay } from "node:timers/promises";
import { parseRedisAddress } from "../../src/redis/address.ts";
import { closeRedis, createRedis } from "../../src/redis/index.ts";
import type { RedisServer } from "./chaos-redis.ts";
import { freePort, type RedisNode, startNode } from "./redis-node.ts";

const PASSWORD = "chaos-password";
const SLOTS = 16_384;
export async function startCluster(sourceId: string): Promise<RedisServer> {
  const start = async () =>
    startNode(
      ["--cluster-enabled", "yes", "--cluster-port", String(await freePort()), "--cluster-node-timeout", "2000"],
      PASSWORD,
    );
  const nodes = await Promise.all([start(), start(), start()]);
  await Promise.all(nodes.map((node, at) => assign(node, at, nodes.length)));
  await meet(nodes);
  const url = `redis+cluster://:${PASSWORD}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  const client = createRedis({ address: parseRedisAddress(url), name: "chaos", kind: "prompt" });
  const slot = Number(await nodes[0]?.client.call("CLUSTER", "KEYSLOT", `{${sourceId}}`));
  const ours = nodes[Math.floor((slot * nodes.length) / SLOTS)] as RedisNode;
  return {
    client: () => client,
    target: undefined,
    url,
    kill: () => ours.kill(),
    restart: async () => {
      await ours.restart();
      if (!(await isWhole(nodes, 20_000))) throw new Error("the cluster does not come up again");
    },
    freeze: () => ours.freeze(),
    thaw: () => ours.thaw(),
    lose: async () => void (await Promise.all(nodes.map((node) => node.client.flushall()))),
    copy: undefined,
    rollBack: undefined,
    lag: undefined,
    failOver: undefined,
    nodes: () => nodes.map((node) => node.client),
    async stop() {
      closeRedis(client);
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

async function assign(node: RedisNode, at: number, count: number): Promise<void> {
  const first = Math.ceil((at * SLOTS) / count);
  const last = Math.ceil(((at + 1) * SLOTS) / count) - 1;
  await node.client.call("CLUSTER", "ADDSLOTSRANGE", first, last);
}

async function meet(nodes: readonly RedisNode[]): Promise<void> {
  const [first, ...others] = nodes;
  for (let tries = 0; tries < 5; tries++) {
    for (const other of others) {
      const bus = Number(/@(\d+)/.exec(String(await other.client.call("CLUSTER", "NODES")))?.[1]);
      await first?.client.call("CLUSTER", "MEET", "127.0.0.1", other.port, bus);
    }
    // A handshake that is not answered within the node timeout, on a busy machine, is given up for good.
    if (await isWhole(nodes, 10_000)) return;
  }
  throw new Error("the cluster does not come up");
}

async function isWhole(nodes: readonly RedisNode[], withinMs: number): Promise<boolean> {
  for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; await delay(20)) {
    const infos = await Promise.all(nodes.map((node) => node.client.call("CLUSTER", "INFO")));
    if (infos.every((info) => /cluster_state:ok/.test(String(info)) && /cluster_known_nodes:3/.test(String(info))))
      return true;
  }
  return false;
}
