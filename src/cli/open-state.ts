/** The state for a command: of REDIS_URL, or of the embedded Redis of a `start` that runs on this machine. */
import { type PartialConfig, stateOptions } from "../config.ts";
import { StudycastError } from "../errors.ts";
import { closeRedis, connectRedis, embeddedSocket, parseRedisAddress } from "../redis/index.ts";
import { createState, type State } from "../state/index.ts";

/**
 * Runs `use` with the state, and closes the connection whatever comes of it.
 * @throws StudycastError REDIS_NOT_STARTED, REDIS_UNAVAILABLE, REDIS_UNAUTHORIZED; and what `use` throws
 */
export async function withState<T>(
  config: PartialConfig,
  signal: AbortSignal,
  use: (state: State) => Promise<T>,
): Promise<T> {
  const url = config.REDIS_URL ?? (await embeddedSocket(config.DATA_DIR));
  if (url === undefined) throw new StudycastError("REDIS_NOT_STARTED", { dataDir: config.DATA_DIR });
  const address = parseRedisAddress(url, config.REDIS_CA === undefined ? {} : { ca: config.REDIS_CA });
  const redis = await connectRedis({ address, name: "studycast-cli", kind: "prompt" }, signal);
  try {
    return await use(createState(redis, stateOptions(config)));
  } finally {
    closeRedis(redis);
  }
}
