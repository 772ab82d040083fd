/** Everything about having a Redis: address, connections, start-up checks, an embedded server. Knows no key. */
export { describeRedisAddress, parseRedisAddress, type RedisAddress, type Tls } from "./address.ts";
export { checkRedis, memoryUse, type RedisProblem, redisVersion } from "./checks.ts";
export {
  type ConnectOptions,
  closeRedis,
  connectRedis,
  createRedis,
  endsInTime,
  type RedisClient,
  redisError,
  untilReady,
} from "./connect.ts";
export {
  type EmbeddedRedis,
  type EmbeddedRedisMode,
  type EmbeddedRedisOptions,
  embeddedSocket,
  startEmbeddedRedis,
} from "./embedded.ts";
export type { Environment } from "./server-binary.ts";
