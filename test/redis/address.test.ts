import { describe, expect, test } from "@jest/globals";
import { describeRedisAddress, parseRedisAddress } from "../../src/redis/index.ts";

describe("REDIS_URL", () => {
  test.each([
    ["redis://h", { kind: "single", host: "h", port: 6379, db: 0 }],
    ["redis://h:7000/3", { kind: "single", host: "h", port: 7000, db: 3 }],
    ["redis://:p%40ss@h", { kind: "single", host: "h", port: 6379, db: 0, password: "p@ss" }],
    ["redis://u:p@[::1]:1", { kind: "single", host: "::1", port: 1, db: 0, username: "u", password: "p" }],
    ["rediss://h", { kind: "single", host: "h", port: 6379, db: 0, tls: {} }],
    ["/run/redis.sock", { kind: "socket", path: "/run/redis.sock", db: 0 }],
    ["unix:///run/my%20redis.sock", { kind: "socket", path: "/run/my redis.sock", db: 0 }],
    ["unix://u:p@/run/r.sock", { kind: "socket", path: "/run/r.sock", db: 0, username: "u", password: "p" }],
    [
      "rediss+cluster://a:1,b",
      {
        kind: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 6379 },
        ],
        db: 0,
        tls: {},
      },
    ],
    [
      "redis+sentinel://u:p@a/main/2",
      { kind: "sentinel", nodes: [{ host: "a", port: 26379 }], master: "main", db: 2, username: "u", password: "p" },
    ],
  ])("%s is understood", (text, address) => {
    expect(parseRedisAddress(text)).toEqual(address);
  });

  test("TLS options apply to TLS addresses only", () => {
    const tls = { ca: "PEM", insecure: true };
    expect(parseRedisAddress("rediss://h", tls)).toMatchObject({ tls });
    expect(parseRedisAddress("redis://h", tls)).not.toHaveProperty("tls");
  });

  test.each(["", "h:6379", "http://h", "redis://", "redis://u:secret@h:x", "redis://h/a", "redis+sentinel://h"])(
    "%p is refused in words that do not quote it",
    (text) => {
      const refusal = expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.not.stringContaining("secret"),
      });
      expect(() => parseRedisAddress(text)).toThrow(refusal as unknown as Error);
    },
  );

  test("what is shown of an address holds no credential", () => {
    expect(describeRedisAddress(parseRedisAddress("redis://u:secret@h:1"))).toBe("h:1");
    expect(describeRedisAddress(parseRedisAddress("redis+cluster://u:secret@a:1,b:2"))).toBe("a:1,b:2");
  });
});
