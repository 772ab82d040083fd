/** One redis-server on a TCP port of its own, which can be killed, frozen and started again with what it had. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { closeRedis, createRedis, type RedisClient } from "../../src/redis/index.ts";
import { findServerBinary } from "../../src/redis/server-binary.ts";
import { type ServerProcess, spawnServer } from "../../src/redis/server-process.ts";

export type RedisNode = {
  port: number;
  client: RedisClient;
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
};

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function startNode(args: readonly string[], password?: string): Promise<RedisNode> {
  const binary = await findServerBinary(process.env, (line) => process.stderr.write(`${line}\n`));
  const dir = await mkdtemp(join(tmpdir(), "studycast-node-"));
  const port = await freePort();
  const login = password === undefined ? [] : ["--requirepass", password, "--masterauth", password];
  const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--loglevel", "warning"];
  const kept = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    "--maxmemory-policy",
    "noeviction",
    "--enable-protected-configs",
    "yes",
  ];
  const address = { kind: "single" as const, host: "127.0.0.1", port, db: 0, ...(password ? { password } : {}) };
  const client = createRedis({ address, name: "chaos", kind: "prompt" });
  let server: ServerProcess;
  let pid = 0;

  async function start(): Promise<void> {
    server = spawnServer(binary, [...fixed, ...kept, ...login, ...args], {
      env: process.env,
      lockFile: join(dir, "lock"),
    });
    server.background();
    for (let tries = 0; ; tries++) {
      try {
        await client.ping();
        break;
      } catch (error) {
        if (tries > 500) throw error;
        await delay(20);
      }
    }
    pid = Number(/process_id:(\d+)/.exec(String(await client.info("server")))?.[1]);
  }
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch {
      // it is gone
    }
  };
  await start();
  return {
    port,
    client,
    kill: () => server.kill(),
    async restart() {
      await server.kill();
      await start();
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async stop() {
      closeRedis(client);
      signal("SIGCONT");
      await server.kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
