/** A primary and a replica. Replication goes through a gate, so that the replica can be made to lag before it takes over: the newest writes are lost. */
import { setTimeout as delay } from "node:timers/promises";
import type { RedisServer } from "./chaos-redis.ts";
import { openGate } from "./gate.ts";
import { startNode } from "./redis-node.ts";

export async function startPair(): Promise<RedisServer> {
  const [first, second] = await Promise.all([startNode([]), startNode([])]);
  const gate = await openGate({ host: "127.0.0.1", port: first.port });
  await second.client.replicaof("127.0.0.1", gate.port);
  for (
    let waitedMs = 0;
    !/master_link_status:up/.test(String(await second.client.info("replication")));
    waitedMs += 10
  ) {
    if (waitedMs > 10_000) throw new Error("the replica does not come up");
    await delay(10);
  }
  let primary = first;
  return {
    client: () => primary.client,
    target: () => ({ host: "127.0.0.1", port: primary.port }),
    url: "",
    kill: () => primary.kill(),
    restart: () => primary.restart(),
    freeze: () => primary.freeze(),
    thaw: () => primary.thaw(),
    lose: async () => void (await primary.client.flushall()),
    copy: undefined,
    rollBack: undefined,
    lag: () => gate.set("silent"),
    async failOver() {
      if (primary === second) return;
      await first.kill();
      await second.client.replicaof("NO", "ONE");
      primary = second;
      gate.set("closed");
    },
    nodes: () => [primary.client],
    async stop() {
      await gate.close();
      await Promise.all([first.stop(), second.stop()]);
    },
  };
}
