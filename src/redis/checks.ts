/** What a Redis must be like before studies are entrusted to it. Read from INFO where it can be, because managed services forbid CONFIG. */
import type { ErrorCode } from "../errors.ts";
import { type RedisClient, redisError } from "./connect.ts";

export type RedisProblem = { code: ErrorCode; severity: "refuse" | "warn" };

const OLDEST: readonly [number, number] = [6, 2];

/**
 * The problems of this Redis, worst first; none is the usual case. A setting that INFO does not show is not judged.
 * @throws StudycastError of service redis
 */
export async function checkRedis(redis: RedisClient): Promise<RedisProblem[]> {
  return problemsOf(await info(redis), await snapshotRule(redis));
}

/** Pure part of `checkRedis`: INFO's fields and the `save` setting (undefined: not to be had) in, problems out. */
export function problemsOf(fields: ReadonlyMap<string, string>, save: string | undefined): RedisProblem[] {
  const problems: RedisProblem[] = [];
  const isRedis = !fields.has("valkey_version") && !fields.has("dragonfly_version");
  const [major = 0, minor = 0] = (fields.get("redis_version") ?? "").split(".").map(Number);
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (isRedis && old) problems.push({ code: "REDIS_VERSION", severity: "refuse" });
  const policy = fields.get("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction") problems.push({ code: "REDIS_EVICTION", severity: "refuse" });
  if (fields.get("aof_enabled") === "0" && save === "") problems.push({ code: "REDIS_PERSISTENCE", severity: "warn" });
  return problems;
}

/** Bytes used, and Redis' maxmemory (undefined: no limit is set). */
export async function memoryUse(redis: RedisClient): Promise<{ used: number; max: number | undefined }> {
  const fields = await info(redis);
  const max = Number(fields.get("maxmemory") ?? 0);
  return { used: Number(fields.get("used_memory") ?? 0), max: max > 0 ? max : undefined };
}

/** The server's version, as it calls itself. */
export async function redisVersion(redis: RedisClient): Promise<string> {
  const fields = await info(redis);
  return fields.get("valkey_version") ?? fields.get("redis_version") ?? "unknown";
}

/** The `save` setting; managed services may refuse to tell. */
async function snapshotRule(redis: RedisClient): Promise<string | undefined> {
  try {
    const [, save] = (await redis.config("GET", "save")) as string[];
    return save;
  } catch {
    return undefined;
  }
}

async function info(redis: RedisClient): Promise<ReadonlyMap<string, string>> {
  try {
    return parseInfo(String(await redis.info()));
  } catch (error) {
    throw redisError(error);
  }
}

/** INFO's `name:value` lines. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(":") && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}
