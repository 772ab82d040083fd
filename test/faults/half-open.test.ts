/** Connections to Redis whose other end is gone without a word: a firewall that forgets, a switch that dies. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "./pipeline.ts";

let pipeline: Pipeline;
const undo: (() => void)[] = [];
afterEach(async () => {
  await pipeline?.close();
  for (const end of undo.splice(0)) end();
});

type Way = { url: string; silence(name: string): number };

/** A way to Redis whose connections can be silenced by the name their client has given them; later ones work. */
async function openWay(path: string): Promise<Way> {
  const links = new Set<{ client: Socket; said: string; silent: boolean }>();
  const server = createServer((client) => {
    const redis = connect(path);
    const link = { client, said: "", silent: false };
    links.add(link);
    for (const socket of [client, redis]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        links.delete(link);
        client.destroy();
        redis.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (link.said.length < 1000) link.said += bytes.toString("latin1");
      if (!link.silent) redis.write(bytes);
    });
    redis.on("data", (bytes) => void (link.silent || client.write(bytes)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(() => {
    server.close();
    for (const { client } of links) client.destroy();
  });
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence(name) {
      const named = [...links].filter(({ said }) => said.includes(name));
      for (const link of named) link.silent = true;
      return named.length;
    },
  };
}

test("the queue's worker whose connection falls silent is opened anew, and goes on", async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 5, images: 1 } } });
  const { fhir, redis, status } = pipeline;
  const way = await openWay(redis.socketPath);
  const worker = pipeline.worker({ REDIS_URL: way.url, WATCHDOG_MS: "3000", LOG_LEVEL: "debug" });
  const synced = (n: number) => until(`${n} studies`, () => instancesByStudy(fhir).size === n, { more: worker.output });
  await synced(5);
  expect(way.silence("studycast-worker")).toBeGreaterThan(0);
  const again = await pipeline.command(["resync", "--all", "--no-wait"]);
  expect([again.code, again.stderr]).toEqual([0, ""]);
  const reopened = async () =>
    Number(/^studycast_queue_worker_reopened_total (\d+)/m.exec((await page(worker, "/metrics")).text)?.[1]);
  await until("it is opened anew", async () => (await reopened()) > 0, { more: worker.output });
  await until("all are synced again", async () => (await status()).studies.pending === 0, { more: worker.output });
  expect((await status()).studies.failed).toBe(0);
  expect(await worker.stop()).toBe(0);
}, 60_000);
