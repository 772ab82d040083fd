import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  createRedis,
  embeddedSocket,
  type RedisClient,
  startEmbeddedRedis,
  untilReady,
} from "../../src/redis/index.ts";
import { findServerBinary } from "../../src/redis/server-binary.ts";
import { answersOn } from "../../src/redis/server-process.ts";

const never = new AbortController().signal;
const quiet = { env: process.env, tell: () => {} };
const clients: RedisClient[] = [];
const children: ChildProcess[] = [];
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "studycast-embedded-"));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function client(path: string): Promise<RedisClient> {
  const redis = createRedis({ address: { kind: "socket", path, db: 0 }, name: "test", kind: "prompt" });
  clients.push(redis);
  await untilReady(redis, never);
  return redis;
}

async function owner(...args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "owner-child.ts"), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  if (child.stdout === null) throw new Error("no standard output");
  const [data] = await once(child.stdout, "data");
  return { child, line: String(data).trim() };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await condition()); waited += 20) {
    if (waited > 8000) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a temporary Redis", () => {
  test("answers on a socket that only this user can reach, and leaves nothing behind", async () => {
    const redis = await startEmbeddedRedis({ mode: "temporary", ...quiet }, never);
    const folder = dirname(redis.socketPath);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await (await client(redis.socketPath)).ping()).toBe("PONG");
    await redis.stop();
    await redis.stop();
    expect(existsSync(folder)).toBe(false);
  });

  test("ends with its owner, also when that is killed", async () => {
    const { child, line } = await owner();
    expect(await answersOn(line)).toBe(true);
    child.kill("SIGKILL");
    await until(() => !existsSync(dirname(line)));
  });

  test("is started again when it dies, on the same socket", async () => {
    const redis = await startEmbeddedRedis({ mode: "temporary", ...quiet }, never);
    const before = await client(redis.socketPath);
    const pid = Number(/process_id:(\d+)/.exec(await before.info("server"))?.[1]);
    process.kill(pid, "SIGKILL");
    await until(() => !existsSync(redis.socketPath));
    await until(() => answersOn(redis.socketPath));
    expect(await before.ping()).toBe("PONG");
    await redis.stop();
    expect(existsSync(dirname(redis.socketPath))).toBe(false);
  });

  test("a start that is aborted leaves nothing running", async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith("studycast-")).length;
    const start = startEmbeddedRedis({ mode: "temporary", ...quiet }, AbortSignal.abort());
    await start.then(
      (redis) => redis.stop(),
      () => {},
    );
    expect((await readdir(tmpdir())).filter((name) => name.startsWith("studycast-"))).toHaveLength(before);
  });
});

describe("a durable Redis", () => {
  test("keeps its data from one owner to the next, in a folder that only this user can enter", async () => {
    const dataDir = join(root, "kept", "data");
    const first = await startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never);
    await (await client(first.socketPath)).set("a", "1");
    await first.stop();
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    const second = await startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never);
    expect(await (await client(second.socketPath)).get("a")).toBe("1");
    await second.stop();
  });

  test("is found by other commands while its owner runs, and only then", async () => {
    const dataDir = join(root, "found");
    expect(await embeddedSocket(dataDir)).toBeUndefined();
    const { child, line } = await owner(dataDir);
    expect(await embeddedSocket(dataDir)).toBe(line);
    child.stdin?.write("stop\n");
    await once(child, "exit");
    expect(await embeddedSocket(dataDir)).toBeUndefined();
  });

  test("has one owner at a time, and refusing the second harms neither the first nor its being found", async () => {
    const dataDir = join(root, "one");
    const { line } = await owner(dataDir);
    const second = startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never);
    await expect(second).rejects.toMatchObject({ code: "REDIS_IN_USE" });
    expect(await embeddedSocket(dataDir)).toBe(line);
  });

  test("of many that start at once exactly one becomes the owner", async () => {
    const dataDir = join(root, "race");
    await mkdir(dataDir);
    const starts = Array.from({ length: 4 }, () => startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never));
    const ends = await Promise.allSettled(starts);
    const refused = ends.flatMap((end) => (end.status === "rejected" ? [(end.reason as { code: string }).code] : []));
    expect(refused).toEqual(["REDIS_IN_USE", "REDIS_IN_USE", "REDIS_IN_USE"]);
    for (const end of ends) if (end.status === "fulfilled") await end.value.stop();
  });

  test("a killed owner leaves no lock: the next one starts as soon as the old server is gone, with all that was acknowledged", async () => {
    const dataDir = join(root, "killed");
    const { child, line } = await owner(dataDir);
    await (await client(line)).set("a", "1");
    child.kill("SIGKILL");
    let next: Awaited<ReturnType<typeof startEmbeddedRedis>> | undefined;
    await until(async () => {
      next = await startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never).catch(() => undefined);
      return next !== undefined;
    });
    expect(await (await client(next?.socketPath ?? "")).get("a")).toBe("1");
    await next?.stop();
  });

  test("a server that outlived its guard is shut down in order before a new one opens the data", async () => {
    const dataDir = join(root, "orphan");
    const { child, line } = await owner(dataDir);
    const redis = await client(line);
    await redis.set("a", "1");
    const pid = Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => undefined);
    if (status === undefined) return; // no /proc: not Linux
    process.kill(child.pid ?? 0, "SIGSTOP"); // its owner shall not start it again
    process.kill(Number(/PPid:\s+(\d+)/.exec(status)?.[1]), "SIGKILL");
    expect(await answersOn(line)).toBe(true);
    const next = await startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never);
    const now = await client(next.socketPath);
    expect(await now.get("a")).toBe("1");
    expect(Number(/process_id:(\d+)/.exec(await now.info("server"))?.[1])).not.toBe(pid);
    await next.stop();
  });

  test("a DATA_DIR with a long path works: the socket then lies elsewhere", async () => {
    const dataDir = join(root, "long".repeat(30), "data dir");
    const redis = await startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never);
    expect(Buffer.byteLength(redis.socketPath)).toBeLessThanOrEqual(100);
    expect(await embeddedSocket(dataDir)).toBe(redis.socketPath);
    const elsewhere = dirname(redis.socketPath);
    await redis.stop();
    expect(existsSync(elsewhere)).toBe(false);
  });

  test("a folder of somebody else's looser making is closed to others", async () => {
    const dataDir = join(root, "loose");
    await mkdir(dataDir);
    await chmod(dataDir, 0o755);
    const redis = await startEmbeddedRedis({ mode: "durable", dataDir, ...quiet }, never);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await redis.stop();
  });
});

describe("where no Redis is installed", () => {
  test("without apt-get it says what to do", async () => {
    const env = { PATH: join(root, "empty"), HOME: root, XDG_CACHE_HOME: join(root, "cache") };
    const installed = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/homebrew/bin"].some(
      (folder) => existsSync(join(folder, "redis-server")) || existsSync(join(folder, "valkey-server")),
    );
    const lines: string[] = [];
    const found = findServerBinary(env, (line) => lines.push(line));
    if (installed) expect((await found).command).toMatch(/(redis|valkey)-server$/);
    else {
      await expect(found).rejects.toMatchObject({ code: "REDIS_MISSING" });
      expect(lines).toHaveLength(1);
      expect(await readdir(join(root, "cache", "studycast"))).toEqual(["redis"]);
    }
  });
});
