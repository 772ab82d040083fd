/** Owns an embedded Redis until it is killed or told to stop on stdin. Arguments: DATA_DIR, or none for a temporary one. */
import { startEmbeddedRedis } from "../../src/redis/index.ts";

const dataDir = process.argv[2];
const mode = dataDir === undefined ? ({ mode: "temporary" } as const) : ({ mode: "durable", dataDir } as const);
try {
  const redis = await startEmbeddedRedis(
    { ...mode, env: process.env, tell: (line) => process.stderr.write(`${line}\n`) },
    new AbortController().signal,
  );
  process.stdout.write(`${redis.socketPath}\n`);
  process.stdin.once("data", async () => {
    process.stdin.destroy();
    await redis.stop();
  });
} catch (error) {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown";
  process.stdout.write(`${code}\n`);
}
