/** The first moments of a queue's connection, in which BullMQ asks Redis what it is. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { createSyncQueue, type SyncQueue } from "../../src/queue/index.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { study, until, WORK } from "./harness.ts";

let server: TestRedis;
let way: Server;
let queue: SyncQueue;
const sockets = new Set<Socket>();
/** How many connections were cut, and how many are to be. */
let cuts = 0;
let mostCuts = 1;

/** A way to Redis whose first connections are cut when their client, told that Redis is ready, says anything further. */
function openWay(): Server {
  return createServer((client) => {
    const { path } = server.address as { path: string };
    const redis = connect(path);
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => [client, redis].forEach((one) => void one.destroy()));
    }
    let isReady = false;
    redis.on("data", (bytes) => {
      isReady ||= bytes.includes("redis_version:");
      client.write(bytes);
    });
    client.on("data", (bytes) => {
      if (isReady && cuts < mostCuts) {
        cuts++;
        client.destroy();
      } else redis.write(bytes);
    });
  });
}

beforeAll(async () => {
  server = await startTestRedis();
});
beforeEach(async () => {
  cuts = 0;
  way = openWay().listen(0, "127.0.0.1");
  await once(way, "listening");
});
afterEach(async () => {
  await queue.close();
  for (const socket of sockets) socket.destroy();
  way.close();
});
afterAll(() => server.stop());

function openQueue(): SyncQueue {
  const { port } = way.address() as AddressInfo;
  const address = { kind: "single" as const, host: "127.0.0.1", port, db: 0 };
  return createSyncQueue({ sourceId: "lost-start", connection: { address } });
}

function enqueued(): Promise<boolean> {
  return queue.enqueue([{ study: study(1), delayMs: 0, priority: "live", pull: false }]).then(
    () => true,
    () => false,
  );
}

test("a Redis that goes away under the first command does not leave the queue without a client for good", async () => {
  mostCuts = 1;
  queue = openQueue();
  await until("it is enqueued", enqueued);
  expect(cuts).toBe(1);
  expect((await queue.counts()).waiting).toBe(1);
});

test("a Redis that goes away under the first command of each of a worker's connections does not keep it from jobs", async () => {
  mostCuts = 3;
  queue = openQueue();
  let runs = 0;
  const worker = queue.work({ ...WORK, handle: async () => void runs++, setAside: async () => {} });
  try {
    await until("it is enqueued", enqueued);
    await until("it runs", () => runs > 0);
    expect(cuts).toBe(3);
  } finally {
    await worker.close(1000);
  }
});
