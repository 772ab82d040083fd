/** All keys and values of a Redis as text, whatever their type: for searching. */
import type { RedisClient } from "../../src/redis/index.ts";

export async function everythingInRedis(redis: RedisClient): Promise<string> {
  const lines: string[] = [];
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "COUNT", 500);
    cursor = next;
    for (const key of keys) lines.push(`${key} ${JSON.stringify(await contentOf(redis, key))}`);
  } while (cursor !== "0");
  return lines.join("\n");
}

async function contentOf(redis: RedisClient, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case "string":
      return redis.get(key);
    case "hash":
      return redis.hgetall(key);
    case "list":
      return redis.lrange(key, 0, -1);
    case "set":
      return redis.smembers(key);
    case "zset":
      return redis.zrange(key, "0", "-1", "WITHSCORES");
    case "stream":
      return redis.xrange(key, "-", "+");
    case "none":
      return null; // gone since the scan
    default:
      throw new Error(`a key of type ${type}`);
  }
}
