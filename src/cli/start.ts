/** `studycast start`: the worker. */
import { type Config, identityOptions, mappingOptions, type OptionName, optionList, stateOptions } from "../config.ts";
import type { Plan } from "../fhir/index.ts";
import { createLog, type Log } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { describeRedisAddress, parseRedisAddress, startEmbeddedRedis } from "../redis/index.ts";
import { runWorker, type WorkerOptions } from "../worker.ts";
import type { Command, Context, Environment } from "./command.ts";
import { loadSiteRules } from "./load-site-rules.ts";
import { prettyLines } from "./pretty.ts";

export const startCommand: Command = {
  name: "start",
  summary: "Follows the change feed and keeps FHIR in step, until it is stopped.",
  details: [
    "One process does everything. More of them with the same options share the sync jobs; one of them follows the feed. The first SIGTERM or SIGINT finishes what is in flight, the second drops it; either way nothing is lost.",
    "With --dry-run it reads both services, logs what each sync would write, and writes nothing; its state is in a Redis of its own that is gone afterwards.",
  ],
  flags: [{ flag: "--dry-run", about: "show what would be written, and write nothing" }],
  options: optionList().map(([name]): OptionName => name),
  examples: [
    {
      command:
        "studycast start --dicom-url https://dicom.example --fhir-url https://fhir.example/fhir --patient-id-system https://hospital.example/mrn",
      about: "runs the worker with a Redis of its own in ./studycast-data",
    },
    { command: "studycast start --dry-run", about: "shows what would be written" },
  ],
  async run(context) {
    const config = context.startConfig();
    const dryRun = context.flags["dryRun"] === true;
    const log = createLog(config.LOG_LEVEL, context.io.isTerminal ? prettyLines() : undefined);
    const { stop, abort, version, env } = context;
    const siteRules = await loadSiteRules(config.MAPPING_MODULE);
    const options = workerOptions(config, { log, version, env, temporaryRedis: dryRun, tell: context.io.err });
    await runWorker({ ...options, siteRules, dryRun: dryRun ? tellPlan(log) : undefined }, { stop, abort });
  },
};

export type Surroundings = {
  log: Log;
  version: string;
  env: Environment;
  /** A Redis that is gone afterwards, whatever REDIS_URL and DATA_DIR say. */
  temporaryRedis: boolean;
  tell: Context["io"]["err"];
};

/** The options of the worker for a configuration; the demo starts its worker with the same ones. */
export function workerOptions(
  config: Config,
  { log, version, env, temporaryRedis, tell }: Surroundings,
): WorkerOptions {
  return {
    config,
    mapping: mappingOptions(config),
    siteRules: undefined,
    state: stateOptions(config),
    identity: identityOptions(config),
    version,
    log,
    metrics: createMetrics({ process: true }),
    openRedis: (signal) => openRedis(config, { log, env, temporaryRedis, tell }, signal),
    dryRun: undefined,
    now: Date.now,
    random: Math.random,
  };
}

async function openRedis(
  config: Config,
  { log, env, temporaryRedis, tell }: Omit<Surroundings, "version">,
  signal: AbortSignal,
): ReturnType<WorkerOptions["openRedis"]> {
  if (config.REDIS_URL !== undefined && !temporaryRedis) {
    const address = parseRedisAddress(config.REDIS_URL, config.REDIS_CA === undefined ? {} : { ca: config.REDIS_CA });
    log.info("using the given Redis", { host: describeRedisAddress(address) });
    return { address, stop: async () => {} };
  }
  const mode = temporaryRedis
    ? ({ mode: "temporary" } as const)
    : ({ mode: "durable", dataDir: config.DATA_DIR } as const);
  const redis = await startEmbeddedRedis({ ...mode, env, tell: (line) => tell(`${line}\n`) }, signal);
  log.info("using a Redis of its own", { kind: mode.mode });
  return { address: { kind: "socket", path: redis.socketPath, db: 0 }, stop: redis.stop };
}

/** One line per sync that would write. Types and ways of writing only: a Patient's id is made of its identifier. */
function tellPlan(log: Log): (plan: Plan) => void {
  return (plan) => {
    if (plan.kind === "write") {
      const action = plan.writes.map(({ resource, expect }) => `${resource.resourceType} would be ${expect}`);
      const study = plan.writes.find(({ resource }) => resource.resourceType === "ImagingStudy")?.resource.id;
      log.info("dry run", { action, ...(study === undefined ? {} : { detail: `ImagingStudy/${study}` }) });
    } else if (plan.kind === "remove") log.info("dry run", { action: ["ImagingStudy would be removed"] });
  };
}
