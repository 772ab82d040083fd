/**
 * A Redis without a Redis: redis-server as a child on a Unix socket in a folder only this user may enter, temporary (gone with its folder) or durable
 * (append-only file in DATA_DIR, one starter at a time).
 *
 * Invariants: the server never outlives this process (server-process.ts); while it is wanted and dies, it is started again on the same socket, so
 * clients only reconnect; `DATA_DIR/redis.socket` names the socket for other commands, and is believed only while that socket answers.
 */
import { chmod, mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StudycastError } from "../errors.ts";
import { sleep } from "../time.ts";
import { type Environment, findServerBinary, type ServerBinary } from "./server-binary.ts";
import { answersOn, listensOn, type ServerProcess, shutDown, spawnServer } from "./server-process.ts";

export type EmbeddedRedisMode = { mode: "temporary" } | { mode: "durable"; dataDir: string };
export type EmbeddedRedisOptions = EmbeddedRedisMode & {
  env: Environment;
  /** Gets a line of text for a person when something is fetched. */
  tell(line: string): void;
  /** Redis' maxmemory; without it the machine's memory is the limit. */
  maxMemoryBytes?: number;
};
export type EmbeddedRedis = {
  socketPath: string;
  /** Ends the server; a temporary one leaves nothing behind. May be called more than once. */
  stop(): Promise<void>;
};

/** sun_path holds 108 bytes on Linux and 104 on macOS, with its final zero. */
const LONGEST_SOCKET_PATH = 100;
const START_MS = 10_000;
const STOP_MS = 10_000;
const RESTART_MS = 500;
const SOCKET_FILE = "redis.socket";

/**
 * Starts a Redis of our own and resolves when it answers. A durable one may take as long as its data needs to load.
 * @throws StudycastError REDIS_MISSING (none installed, none to be fetched), REDIS_IN_USE (another process owns DATA_DIR), REDIS_UNAVAILABLE (it
 * does not start: see redis.log in DATA_DIR)
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions, signal: AbortSignal): Promise<EmbeddedRedis> {
  const binary = await findServerBinary(options.env, options.tell);
  const place = options.mode === "durable" ? await durablePlace(options.dataDir) : await temporaryPlace();
  const args = [...serverArgs(place), ...(options.maxMemoryBytes ? ["--maxmemory", `${options.maxMemoryBytes}`] : [])];
  const start = (until: AbortSignal) => launch(binary, args, options.env, place, until);
  let current: ServerProcess;
  try {
    current = await start(signal);
    if (place.durable) await publishSocket(place);
  } catch (error) {
    await removePlace(place);
    throw error;
  }

  const wanted = new AbortController();
  const supervised = (async () => {
    while (!wanted.signal.aborted) {
      await current.exited;
      await sleep(RESTART_MS, wanted.signal);
      if (!wanted.signal.aborted) current = await start(wanted.signal).catch(() => current);
    }
  })();
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    wanted.abort();
    await current.stop(STOP_MS);
    await supervised;
    await current.stop(STOP_MS); // one that was being started at that moment
    if (place.durable) await rm(join(place.dir, SOCKET_FILE), { force: true });
    await removePlace(place);
  };
  return {
    socketPath: place.socketPath,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** The socket of the Redis that a running `start` keeps in this DATA_DIR; undefined when none runs. */
export async function embeddedSocket(dataDir: string): Promise<string | undefined> {
  try {
    const socketPath = (await readFile(join(dataDir, SOCKET_FILE), "utf8")).trim();
    return (await answersOn(socketPath)) ? socketPath : undefined;
  } catch {
    return undefined;
  }
}

export type ServerPlace = { dir: string; socketPath: string; durable: boolean; removeDirs: string[] };

async function temporaryPlace(): Promise<ServerPlace> {
  const dir = await shortFolder();
  return { dir, socketPath: join(dir, "redis.sock"), durable: false, removeDirs: [dir] };
}

async function durablePlace(dataDir: string): Promise<ServerPlace> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await chmod(dataDir, 0o700);
  const dir = await realpath(dataDir);
  const inside = join(dir, "redis.sock");
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_PATH)
    return { dir, socketPath: inside, durable: true, removeDirs: [] };
  const elsewhere = await shortFolder();
  return { dir, socketPath: join(elsewhere, "redis.sock"), durable: true, removeDirs: [elsewhere] };
}

/** A fresh folder, 0700, with a path short enough for a socket. */
async function shortFolder(): Promise<string> {
  const usual = join(tmpdir(), "studycast-");
  return mkdtemp(Buffer.byteLength(usual) + 20 <= LONGEST_SOCKET_PATH ? usual : "/tmp/studycast-");
}

async function removePlace(place: ServerPlace): Promise<void> {
  for (const folder of place.removeDirs) await rm(folder, { recursive: true, force: true });
}

async function publishSocket(place: ServerPlace): Promise<void> {
  const next = join(place.dir, `${SOCKET_FILE}.next`);
  await writeFile(next, `${place.socketPath}\n`, { mode: 0o600 });
  await rename(next, join(place.dir, SOCKET_FILE));
}

/** Options of redis-server for a place of ours; everything else stays at its default. */
export function serverArgs(place: ServerPlace): string[] {
  const always = ["--port", "0", "--unixsocket", place.socketPath, "--unixsocketperm", "700", "--dir", place.dir];
  const persistence = place.durable
    ? ["--appendonly", "yes", "--appendfsync", "everysec", "--logfile", join(place.dir, "redis.log")]
    : ["--appendonly", "no"];
  return [...always, ...persistence, "--save", "", "--loglevel", "warning", "--maxmemory-policy", "noeviction"];
}

async function launch(
  binary: ServerBinary,
  args: readonly string[],
  env: Environment,
  place: ServerPlace,
  signal: AbortSignal,
): Promise<ServerProcess> {
  const removeDir = place.durable ? {} : { removeDir: place.dir };
  const lockFile = join(place.dir, "lock");
  await retireOrphan(place, lockFile, binary, env);
  await mkdir(place.dir, { recursive: true, mode: 0o700 });
  const server = spawnServer(binary, args, { env, lockFile, ...removeDir });
  if (!(await server.held) && (await server.exited) === "locked") throw new StudycastError("REDIS_IN_USE");
  const ended = server.exited.then(() => "ended" as const);
  const deadline = Date.now() + START_MS;
  for (;;) {
    if (await answersOn(place.socketPath)) {
      server.background();
      return server;
    }
    const early = await Promise.race([ended, sleep(20, signal)]);
    const loading = place.durable && (await listensOn(place.socketPath)); // a large append-only file takes its time
    if (early === undefined && !signal.aborted && (loading || Date.now() < deadline)) continue;
    await server.stop(1000);
    throw new StudycastError(signal.aborted ? "ABORTED" : "REDIS_UNAVAILABLE", { started: "embedded" });
  }
}

/** A server whose shell was killed alone still answers, but the lock is free: it is told to save and end before a new one opens its files. */
async function retireOrphan(
  place: ServerPlace,
  lockFile: string,
  binary: ServerBinary,
  env: Environment,
): Promise<void> {
  const old = (await embeddedSocket(place.dir)) ?? place.socketPath;
  if (!(await listensOn(old))) return;
  if ((await spawnServer({ ...binary, command: "true" }, [], { env, lockFile }).exited) === "locked")
    throw new StudycastError("REDIS_IN_USE");
  await shutDown(old);
  const never = new AbortController().signal;
  for (let waited = 0; waited < STOP_MS && (await listensOn(old)); waited += 50) await sleep(50, never);
}
