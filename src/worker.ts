/**
 * studycast, the program. READ THIS FIRST: from top to bottom it is the start order, the pipeline, and the stop order.
 *
 *   change feed ─► follow ─► state: mark studies + checkpoint ─► queue: one job per study
 *     ─► sync: read study ─► map ─► look up, plan ─► conditional writes ─► settle the mark
 *
 * The feed says which study changed; the DICOM service says what it is now; Redis keeps one work list. Parts never call each other: they are wired here.
 */
import type { Config } from "./config.ts";
import { createClaim, createCreations, WITHOUT_CLAIM } from "./creations.ts";
import { type ErrorCode, toStudycastError } from "./errors.ts";
import { carryOut, ensureEndpoints, ownedStudies, type Plan, probe } from "./fhir/index.ts";
import { feedStartOf, runFollower } from "./follower.ts";
import { createHealth } from "./health.ts";
import { dashboardPlugin, startHttpServer } from "./http/index.ts";
import { type JobDeps, markAgain, runJob, setAside } from "./job.ts";
import type { Log } from "./log.ts";
import { untilAllEnd } from "./loops.ts";
import { endpointId, type MappingOptions } from "./mapping/index.ts";
import type { Metrics } from "./metrics.ts";
import { observe } from "./observe.ts";
import { followOptions, longestDelayMs, queueOptions, roomLimits, syncOptions } from "./part-options.ts";
import { createSyncQueue } from "./queue/index.ts";
import { memoryUse, type RedisAddress } from "./redis/index.ts";
import { createReleases } from "./releases.ts";
import { carryOutRequests } from "./requests.ts";
import { createRoom } from "./room.ts";
import { takeSecondLooks } from "./second-looks.ts";
import { openServices } from "./services.ts";
import type { SiteModule } from "./site-rules.ts";
import { type Identity, runChecks } from "./startup.ts";
import type { State, StateOptions } from "./state/index.ts";
import { readStatus } from "./status.ts";
import { DEFAULT_PARTITION } from "./study.ts";
import { syncStudy } from "./sync.ts";
import { isFeedRead, runUpkeep, sampleLatest } from "./upkeep.ts";

export type WorkerOptions = {
  config: Config;
  mapping: MappingOptions;
  /** The module of MAPPING_MODULE. */
  siteRules: SiteModule | undefined;
  state: StateOptions;
  identity: Identity;
  version: string;
  log: Log;
  metrics: Metrics;
  /** Starts the embedded Redis, or tells where the given one is. */
  openRedis(signal: AbortSignal): Promise<{ address: RedisAddress; stop(): Promise<void> }>;
  /** Instead of writing: told what each sync would write. Undefined: it is written. */
  dryRun: ((plan: Plan) => void) | undefined;
  now(): number;
  random(): number;
  onListening?: (url: string) => void;
};

/** `stop`: finish what is in flight. `abort`: drop it. */
export type Signals = { stop: AbortSignal; abort: AbortSignal };

/** How long one thing may take to stop; sync jobs have SHUTDOWN_MS and what aborting them takes. */
const RELEASE_MS = 1000;
const ABORT_MS = 3000;
const REOPEN_MS = 30_000;

/**
 * Runs the worker until `stop` aborts, then stops everything it started, in reverse order.
 * @throws StudycastError when a person must fix something before it can work, or when one of its loops has ended by a mistake of ours
 */
export async function runWorker(options: WorkerOptions, { stop, abort }: Signals): Promise<void> {
  const { config, log, metrics, now, random, version } = options;
  const releases = createReleases(log);
  const health = createHealth(now, config.WATCHDOG_MS);
  const watch = observe({ log, metrics, health, now });
  const fatal = new AbortController();
  const ending = AbortSignal.any([stop, fatal.signal]);
  const startedAt = new Date(now()).toISOString();
  let state: State | undefined;
  try {
    // HTTP first, so that the probes can say what is waited for.
    const password = config.HTTP_PASSWORD;
    const http = await startHttpServer({
      host: config.HTTP_HOST,
      port: config.HTTP_PORT,
      login: password === undefined ? undefined : { user: config.HTTP_USER, password },
      metricsAccess: config.METRICS,
      probes: health,
      metrics: metrics.page,
      status: async () => state && readStatus(state, config.SOURCE_ID, now()),
    });
    releases.add("HTTP server", RELEASE_MS, http.close);
    log.info("studycast listens", { url: http.url, version, source: config.SOURCE_ID });
    options.onListening?.(http.url);

    // Redis and the two services; then the checks, before any damage.
    const { address, stop: stopRedis } = await options.openRedis(ending);
    releases.add("embedded Redis", 2 * RELEASE_MS, stopRedis);
    const services = openServices({ ...options, address, ending }, releases);
    const { feed, fhir, redis } = services;
    state = services.state;
    const onError = (code: ErrorCode) => options.metrics.inc("start_errors_total", 1, { code });
    const capMs = config.BACKOFF_CAP_MS;
    await runChecks(services.checks, { log, capMs, random, onWaiting: health.waitsFor, onError }, ending);
    if (ending.aborted) return;
    const { client: dicom, partitions } = services.dicom();
    health.started();
    log.info("checks have passed", { step: "start" });

    // The pipeline's second half: sync jobs, so that whatever is pending already moves.
    const queue = createSyncQueue({ sourceId: config.SOURCE_ID, connection: { address } });
    releases.add("queue connection", RELEASE_MS, queue.close);
    const sourceEndpoint = endpointId(config.SOURCE_ID, DEFAULT_PARTITION);
    const { dryRun } = options;
    const syncDeps = {
      ...syncOptions(config, partitions),
      dicom,
      fhir,
      mapping: { ...options.mapping, fhirVersion: services.fhirVersion() },
      siteRules: options.siteRules,
      carryOut: dryRun === undefined ? carryOut : tellOnly(dryRun),
      ensureEndpoints: dryRun === undefined ? ensureEndpoints : async () => {},
      creations: createCreations(state, config.LOCK_MS),
      createClaim: dryRun === undefined ? createClaim : () => WITHOUT_CLAIM,
      feedIsRead: (signal: AbortSignal) => isFeedRead({ feed, state: services.state }, signal),
      timed: watch.timed,
    };
    const sync: JobDeps["sync"] = (job, signal) => syncStudy(job, syncDeps, signal);
    const jobDeps = { state, queue, now, sync, onSynced: watch.onSynced, onSuperseded: watch.onSuperseded };
    const worker = queue.work({
      ...queueOptions(config),
      handle: (job, signal, ending) => runJob(job, jobDeps, { signal, ending }),
      setAside: (job, error) => setAside(job, error, jobDeps),
      onFailure: watch.onFailure,
      onPause: watch.onPause,
      probe: (service, signal) => (service === "dicom" ? dicom.probe(signal) : probe(fhir, sourceEndpoint, signal)),
      random,
    });
    releases.add("sync jobs", config.SHUTDOWN_MS + ABORT_MS, () => worker.close(config.SHUTDOWN_MS));
    abort.addEventListener("abort", () => worker.abort(), { once: true });
    await http.mountDashboard(
      dashboardPlugin([queue.dashboardAdapter({ retry: (study) => markAgain(study, jobDeps) })]),
    );

    // The first half: whoever holds the lease follows the feed, marks studies, carries out operators' requests and takes second looks.
    const memory = () => memoryUse(redis);
    const room = createRoom(roomLimits(config), { counts: state.counts, memory, now });
    const requests = {
      state,
      queue,
      feed,
      dicom,
      log,
      pollMs: Math.min(1000, config.POLL_MAX_MS),
      partitions: async (signal: AbortSignal) => (partitions ? dicom.partitions(signal) : [DEFAULT_PARTITION]),
      ownedStudies: (signal: AbortSignal) => ownedStudies(fhir, config.SOURCE_ID, signal),
      room,
      onDone: watch.onRequest,
      onSecondLooks: watch.onSecondLooks,
    };
    const follower = {
      feed,
      state,
      queue,
      leaseMs: config.LEASE_MS,
      feedStart: (signal: AbortSignal) => feedStartOf(config.FEED_START, feed, signal),
      follow: { ...followOptions(config), mayRead: room.mayMark, observe: watch.onFeed, now, random },
      besides: [carryOutRequests, takeSecondLooks].map((task) => (signal: AbortSignal) => task(requests, signal)),
      onLease: watch.onLease,
      onTrouble: watch.onTrouble,
      onPage: watch.onPage(room),
    };

    // What every process does besides, and all loops at once until the end.
    const statusJson = () => {
      const updatedAt = new Date(now()).toISOString();
      return JSON.stringify({ version, url: http.url, startedAt, updatedAt, ...health.status() });
    };
    const { CONCURRENCY: concurrency, HEAL_MS: healMs, LATEST_MS: latestMs } = config;
    const shared = { state, queue, worker, feed, memory, health, metrics, log, now };
    const reopenMs = Math.min(REOPEN_MS, config.WATCHDOG_MS / 3);
    const delays = { healMs, reopenMs, latestMs, recheckMs: config.RECHECK_MS, longestDelayMs: longestDelayMs(config) };
    const upkeep = { ...shared, ...delays, concurrency, statusJson };
    const loops = [
      runFollower(follower, ending),
      runUpkeep(upkeep, ending),
      sampleLatest(upkeep, watch.onLatest, ending),
    ];
    await untilAllEnd(loops, fatal, ending);
  } catch (thrown) {
    // What was waited for at the time of the stop has ended with it; that is no error.
    if (!(stop.aborted && toStudycastError(thrown).code === "ABORTED")) throw thrown;
  } finally {
    await releases.run();
    log.info("studycast has stopped", { version });
  }
}

function tellOnly(tell: (plan: Plan) => void): typeof carryOut {
  return async (_client, plan) => {
    tell(plan);
    return { kind: "done", writes: 0, bytes: 0 };
  };
}
