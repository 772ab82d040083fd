/**
 * A real Redis for a test, started as the product starts its own (works where none is installed), that can be killed, frozen, and set back to an older
 * copy of its data under living clients. Acknowledged writes survive kill(): Redis hands them to the kernel before it answers.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { closeRedis, createRedis, type RedisAddress, type RedisClient } from "../../src/redis/index.ts";
import { findServerBinary } from "../../src/redis/server-binary.ts";
import { answersOn, type ServerProcess, spawnServer } from "../../src/redis/server-process.ts";

export type TestRedis = {
  socketPath: string;
  /** The same as REDIS_URL. */
  url: string;
  address: RedisAddress;
  /** A client for the test's own questions; fails at once while the server is down. */
  redis: RedisClient;
  /** SIGKILL; it stays down until restart(). */
  kill(): Promise<void>;
  /** Starts it again with the data it had (kills it first if it runs). */
  restart(): Promise<void>;
  /** A copy of all data as it is now. */
  copy(): Promise<Uint8Array>;
  /** Kills the server and starts it again with an older copy: what a restore, or a lost tail of the append-only file, does. */
  rollback(copy: Uint8Array): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
};

/** Starts it; `args` are further redis-server options, such as `["--maxmemory", "4mb"]`. */
export async function startTestRedis(args: readonly string[] = []): Promise<TestRedis> {
  const binary = await findServerBinary(process.env, (line) => process.stderr.write(`${line}\n`));
  const dir = await mkdtemp(join(tmpdir(), "studycast-test-"));
  const socketPath = join(dir, "redis.sock");
  const address: RedisAddress = { kind: "socket", path: socketPath, db: 0 };
  const fixed = ["--port", "0", "--unixsocket", socketPath, "--dir", dir, "--save", "", "--loglevel", "warning"];
  const appendOnlyDirs = ["appendonlydir", "appendonly.aof"].map((name) => join(dir, name));
  let server: ServerProcess;
  let pid = 0;

  const redis = createRedis({ address, name: "test", kind: "prompt" });
  const ready = async () => {
    while (redis.status !== "ready") await delay(5);
  };
  const start = async (appendOnly: "yes" | "no") => {
    server = spawnServer(binary, [...fixed, "--appendonly", appendOnly, ...args], {
      env: process.env,
      lockFile: join(dir, "lock"),
    });
    for (let waitedMs = 0; !(await answersOn(socketPath)); waitedMs += 10) {
      if (waitedMs > 20_000) throw new Error("the test's Redis does not start");
      await delay(10);
    }
    server.background();
    await ready();
    pid = Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
  };
  const kill = () => server.kill();
  await start("yes");

  return {
    socketPath,
    url: `unix://${socketPath}`,
    address,
    redis,
    kill,
    async restart() {
      await kill();
      await start("yes");
    },
    async copy() {
      await redis.save();
      return readFile(join(dir, "dump.rdb"));
    },
    async rollback(copy) {
      await kill();
      for (const path of appendOnlyDirs) await rm(path, { recursive: true, force: true });
      await writeFile(join(dir, "dump.rdb"), copy);
      await start("no");
      await redis.config("SET", "appendonly", "yes");
      while (!/aof_rewrite_in_progress:0/.test(await redis.info("persistence"))) await delay(10);
    },
    freeze: () => process.kill(pid, "SIGSTOP"),
    thaw: () => process.kill(pid, "SIGCONT"),
    async stop() {
      closeRedis(redis);
      try {
        process.kill(pid, "SIGCONT");
      } catch {
        // it is already gone
      }
      await server.stop(5000);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
