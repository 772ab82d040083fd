/** Runs Lua scripts by their digest, so that their text is sent once per Redis, again after a restart of Redis. */
import { createHash } from "node:crypto";
import { type RedisClient, redisError } from "../redis/index.ts";

export type Script = { lua: string; sha: string };

export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** @throws StudycastError of service redis */
export async function runScript(
  redis: RedisClient,
  { lua, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(Error.isError(error) && error.message.startsWith("NOSCRIPT"))) throw redisError(error);
  }
  return guard(redis.eval(lua, keys.length, ...keys, ...args));
}

/** The reply, or our error. */
export async function guard<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw redisError(error);
  }
}

/** A script's reply as a list of texts; numbers become their digits, nil becomes "". */
export function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map((item) => (item === null ? "" : String(item))) : [];
}
