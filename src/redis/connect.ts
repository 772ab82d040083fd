/**
 * Connections to Redis. Every client made here is closed by whoever made it, also one handed to BullMQ, which counts it as shared and leaves it open.
 *
 * Two kinds. `prompt`: while Redis is away commands fail at the next vain connect (within a second), so that loops can say so and back off. `patient`: commands wait for Redis without
 * end, as BullMQ's workers demand.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { isCertificateTrouble, StudycastError } from "../errors.ts";
import { backoffMs } from "../time.ts";
import type { RedisAddress, Tls } from "./address.ts";

export type RedisClient = Redis | Cluster;
export type ConnectOptions = {
  address: RedisAddress;
  /** Shown by Redis' CLIENT LIST. */
  name: string;
  kind: "prompt" | "patient";
  /** A password that changes (Entra ID and the like): asked before each connect. Undefined: the address's own. */
  password?: () => string | undefined;
};

const RECONNECT_CAP_MS = 1000;
const COMMAND_MS = 10_000;
/**
 * A connection that does not answer for so long is cut: its other end may be gone without a word. BullMQ's blocking command takes up to 10 s. What was
 * under way is sent again: a Redis that only stood still carries it out twice, which the scripts of state and queue bear.
 */
const SILENT_MS = 15_000;
/** How long a closed client's timer may keep the process alive. */
const DISCONNECT_MS = 300;

/** A client that connects, and reconnects for as long as it is not closed. Errors of the connection itself are only seen by commands. */
export function createRedis(options: ConnectOptions): RedisClient {
  const redis = build(options);
  redis.on("error", () => {}); // without a listener ioredis prints them
  return redis;
}

/**
 * A client that is connected.
 * @throws StudycastError REDIS_UNAVAILABLE or REDIS_UNAUTHORIZED when that cannot be had by one try
 */
export async function connectRedis(options: ConnectOptions, signal: AbortSignal): Promise<RedisClient> {
  const redis = createRedis(options);
  try {
    await untilReady(redis, signal);
    return redis;
  } catch (error) {
    closeRedis(redis);
    throw error;
  }
}

/** Resolves when the client is ready for commands; rejects with its first connection error. */
export function untilReady(redis: RedisClient, signal: AbortSignal): Promise<void> {
  if (redis.status === "ready") return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      redis.off("ready", onReady);
      redis.off("error", settle);
      redis.off("end", onEnd);
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(redisError(error));
    };
    const onReady = () => settle();
    const onEnd = () => settle(new Error("closed"));
    const onAbort = () => settle(new StudycastError("ABORTED"));
    redis.once("ready", onReady);
    redis.once("error", settle);
    redis.once("end", onEnd);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

/** Ends the client at once, whatever its state and whether Redis lives or not; what still waits in it is rejected. */
export function closeRedis(redis: RedisClient): void {
  // between two connects ioredis 6.0 has nothing to disconnect, and would never reject what waits in it
  if (redis instanceof Redis && redis.status === "reconnecting") redis.status = "wait";
  redis.disconnect(false);
}

/**
 * Makes a cluster client say `end` within this time after it was told to disconnect. ioredis 6.0 never says it when a reconnect of the same client is
 * under way, and BullMQ 6.7 waits for it without end before it looks for jobs again.
 */
export function endsInTime(cluster: Cluster, ms: number): void {
  const disconnect = cluster.disconnect.bind(cluster);
  cluster.disconnect = (reconnect) => {
    disconnect(reconnect);
    if (reconnect === true) return;
    const timer = setTimeout(() => {
      if (cluster.status === "disconnecting") cluster.status = "end";
      cluster.emit("end");
    }, ms);
    timer.unref();
    cluster.once("end", () => clearTimeout(timer));
  };
}

/** What ioredis or Redis threw, as our error; Redis' own text (it may quote a command) stays in the cause. */
export function redisError(thrown: unknown): StudycastError {
  if (thrown instanceof StudycastError) return thrown;
  const text = Error.isError(thrown) ? thrown.message : "";
  const cause = { cause: thrown };
  const kind = codeOf(thrown);
  if (isCertificateTrouble(kind)) return new StudycastError("REDIS_CERTIFICATE", { kind }, cause);
  if (/^(ERR )?(Error running script.*)?OOM |OOM command not allowed/.test(text))
    return new StudycastError("REDIS_FULL", {}, cause);
  if (/^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password)/.test(text))
    return new StudycastError("REDIS_UNAUTHORIZED", {}, cause);
  if (text.startsWith("ERR ") && !text.startsWith("ERR max number of clients"))
    return new StudycastError("INTERNAL", { kind: "ReplyError" }, cause);
  return new StudycastError("REDIS_UNAVAILABLE", {}, cause);
}

/** Node's code of a failed connection; a cluster's error holds that of its last node. */
function codeOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return "";
  if ("code" in thrown && typeof thrown.code === "string") return thrown.code;
  return "lastNodeError" in thrown ? codeOf(thrown.lastNodeError) : "";
}

type Legacy = RedisOptions & { replyMapping: "legacy" };
const dnsLookup = (host: string, done: (error: null, address: string) => void) => done(null, host);

function build({ address, name, kind, password }: ConnectOptions): RedisClient {
  const common: Legacy = {
    replyMapping: "legacy",
    connectionName: name,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.kind !== "socket" && address.tls ? { tls: tlsOptions(address.tls) } : {}),
    maxRetriesPerRequest: kind === "patient" ? null : 0,
    ...(kind === "prompt" ? { commandTimeout: COMMAND_MS } : {}),
    connectTimeout: COMMAND_MS,
    socketTimeout: kind === "prompt" ? COMMAND_MS : SILENT_MS,
    disconnectTimeout: DISCONNECT_MS,
  };
  const first = password?.();
  if (first !== undefined) common.password = first;
  /** ioredis keeps a copy of its options and reads the password from it at each connect. */
  const reconnect = (optionsInUse: () => { password?: string | null | undefined }) => (attempt: number) => {
    const fresh = password?.();
    if (fresh !== undefined) optionsInUse().password = fresh;
    return backoffMs(attempt, 25, RECONNECT_CAP_MS, Math.random);
  };

  if (address.kind === "cluster") {
    const options = {
      redisOptions: common,
      clusterRetryStrategy: reconnect(() => common),
      // with TLS the certificate names the host; without this the cluster's own numeric addresses would be checked against it
      ...(address.tls ? { dnsLookup } : {}),
    };
    return new Cluster(address.nodes, options);
  }
  const options: Legacy = { ...common, db: address.db };
  options.retryStrategy = reconnect(() => redis.options);
  if (address.kind === "socket") options.path = address.path;
  else if (address.kind === "single") Object.assign(options, { host: address.host, port: address.port });
  else Object.assign(options, { sentinels: address.nodes, name: address.master });
  const redis = new Redis(options);
  return redis;
}

function tlsOptions({ ca, insecure }: Tls): NonNullable<RedisOptions["tls"]> {
  return { ...(ca === undefined ? {} : { ca }), ...(insecure ? { rejectUnauthorized: false } : {}) };
}
