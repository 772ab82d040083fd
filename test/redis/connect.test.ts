import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseInfo, problemsOf } from "../../src/redis/checks.ts";
import {
  checkRedis,
  closeRedis,
  connectRedis,
  createRedis,
  memoryUse,
  parseRedisAddress,
  redisVersion,
} from "../../src/redis/index.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

const never = new AbortController().signal;
let server: TestRedis;
let tlsPort: number;
let folder: string;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "studycast-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const san = "subjectAltName=IP:127.0.0.1";
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", san];
  execFileSync("openssl", [...request, "-keyout", key, "-out", cert], { stdio: "ignore" });
  tlsPort = await freePort();
  const tls = ["--tls-port", `${tlsPort}`, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
  server = await startTestRedis([...tls, "--bind", "127.0.0.1"]);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("connecting", () => {
  test("by TLS with the CA given; without it the certificate is refused, unless that is switched off", async () => {
    const ca = readFileSync(join(folder, "cert.pem"), "utf8");
    const url = `rediss://127.0.0.1:${tlsPort}`;
    for (const tls of [{ ca }, { insecure: true }]) {
      const redis = await connectRedis({ address: parseRedisAddress(url, tls), name: "t", kind: "prompt" }, never);
      expect(await redis.ping()).toBe("PONG");
      closeRedis(redis);
    }
    const refused = connectRedis({ address: parseRedisAddress(url), name: "t", kind: "prompt" }, never);
    await expect(refused).rejects.toMatchObject({ code: "REDIS_CERTIFICATE" });
  });

  test("as an ACL user, with a password that changes while connected", async () => {
    await server.redis.acl("SETUSER", "cast", "on", ">one", "~*", "+@all");
    const address = parseRedisAddress(`unix://cast:wrong@${server.socketPath}`);
    await expect(connectRedis({ address, name: "t", kind: "prompt" }, never)).rejects.toMatchObject({
      code: "REDIS_UNAUTHORIZED",
    });
    let password = "one";
    const redis = await connectRedis({ address, name: "t", kind: "prompt", password: () => password }, never);
    expect(await redis.acl("WHOAMI")).toBe("cast");
    await server.redis.acl("SETUSER", "cast", "resetpass", ">two");
    password = "two";
    await server.redis.client("KILL", "USER", "cast");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await redis.acl("WHOAMI")).toBe("cast");
    closeRedis(redis);
  });

  test("to nothing fails at once and says so; an abort ends it", async () => {
    const address = parseRedisAddress(`redis://127.0.0.1:${await freePort()}`);
    await expect(connectRedis({ address, name: "t", kind: "prompt" }, never)).rejects.toMatchObject({
      code: "REDIS_UNAVAILABLE",
    });
    const aborted = connectRedis({ address, name: "t", kind: "prompt" }, AbortSignal.abort());
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("a closed client rejects what waits in it, also between two tries to connect", async () => {
    const address = parseRedisAddress(`redis://127.0.0.1:${await freePort()}`);
    const redis = createRedis({ address, name: "t", kind: "patient" });
    const waiting = redis.ping();
    waiting.catch(() => {});
    while (redis.status !== "reconnecting") await new Promise((resolve) => setTimeout(resolve, 1));
    closeRedis(redis);
    await expect(waiting).rejects.toThrow();
  });
});

describe("start-up checks", () => {
  test("a Redis with eviction is refused, one that keeps nothing is warned of, each by its code", async () => {
    expect(await checkRedis(server.redis)).toEqual([]);
    await server.redis.config("SET", "maxmemory-policy", "allkeys-lru");
    await server.redis.config("SET", "appendonly", "no");
    expect(await checkRedis(server.redis)).toEqual([
      { code: "REDIS_EVICTION", severity: "refuse" },
      { code: "REDIS_PERSISTENCE", severity: "warn" },
    ]);
    await server.redis.config("SET", "maxmemory-policy", "noeviction");
    await server.redis.config("SET", "appendonly", "yes");
    expect(await redisVersion(server.redis)).toMatch(/^\d+\.\d+/);
  });

  test("versions before 6.2 are refused; a Valkey is never too old; what INFO does not show is not judged", () => {
    const problems = (text: string) => problemsOf(parseInfo(text), undefined).map(({ code }) => code);
    expect(problems("redis_version:6.0.16\r\nmaxmemory_policy:noeviction")).toEqual(["REDIS_VERSION"]);
    expect(problems("redis_version:5.0.1")).toEqual(["REDIS_VERSION"]);
    expect(problems("redis_version:6.2.0")).toEqual([]);
    expect(problems("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\naof_enabled:0")).toEqual([]);
  });

  test("memory use is told with its limit, or without when there is none", async () => {
    expect((await memoryUse(server.redis)).max).toBeUndefined();
    await server.redis.config("SET", "maxmemory", "200mb");
    const { used, max } = await memoryUse(server.redis);
    expect(max).toBe(200 * 1024 * 1024);
    expect(used).toBeGreaterThan(100_000);
    await server.redis.config("SET", "maxmemory", "0");
  });
});
