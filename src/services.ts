/** The two services and Redis: clients for them, and the checks that must pass before the first entry is read. */
import { Agent } from "undici";
import { createAuthorize } from "./auth/index.ts";
import { createFeedClient, type FeedClient } from "./changefeed/index.ts";
import type { Config, PartialConfig } from "./config.ts";
import { createDicomClient, type DicomClient, probePartitions } from "./dicomweb/index.ts";
import { errorRow, StudycastError } from "./errors.ts";
import { checkServer, createFhirClient, endpointExists, type FhirClient } from "./fhir/index.ts";
import type { Log } from "./log.ts";
import { endpointId, type FhirVersion, MAPPING_VERSION, readTags } from "./mapping/index.ts";
import { checkRedis, closeRedis, createRedis, type RedisAddress, type RedisClient, untilReady } from "./redis/index.ts";
import type { Releases } from "./releases.ts";
import { type Check, checkIdentity, type Identity } from "./startup.ts";
import { createState, type State, type StateOptions } from "./state/index.ts";
import { DEFAULT_PARTITION } from "./study.ts";

export type Services = {
  redis: RedisClient;
  state: State;
  feed: FeedClient;
  /** A client for the service as the probe found it: with or without partitions. */
  dicom(): { client: DicomClient; partitions: boolean };
  fhir: FhirClient;
  /** As the check of the FHIR server found it. */
  fhirVersion(): FhirVersion;
  /** In the order in which they make sense. */
  checks: Check[];
};

export type ServiceOptions = {
  config: Config;
  state: StateOptions;
  identity: Identity;
  address: RedisAddress;
  log: Log;
  now(): number;
  /** Aborts when the process ends. */
  ending: AbortSignal;
};

const CLOSE_MS = 1000;

/** Makes the clients; nothing is asked of anybody before the checks run. */
export function openServices(options: ServiceOptions, releases: Releases): Services {
  const { config, log, now, ending: stop } = options;
  const redis = createRedis({ address: options.address, name: "studycast", kind: "prompt" });
  releases.add("Redis connection", CLOSE_MS, () => closeRedis(redis));
  const state = createState(redis, options.state);

  const site = openDicomSite(options, releases);
  const feed = createFeedClient({ ...site, maxBytes: config.FEED_MAX_BYTES });
  const fhirAuth = { service: "fhir", requestTimeoutMs: config.FHIR_TIMEOUT_MS, stop, now } as const;
  const fhir = createFhirClient({
    url: config.FHIR_URL,
    authorize: createAuthorize(config.fhirAuth, fhirAuth),
    requestTimeoutMs: config.FHIR_TIMEOUT_MS,
    maxBytes: config.FHIR_MAX_BYTES,
    connections: config.FHIR_CONNECTIONS || config.CONCURRENCY + 2,
  });
  releases.add("FHIR connections", CLOSE_MS, fhir.close);

  let partitions = false;
  let fhirVersion: FhirVersion = "R4";
  const stamp = () => ({ ...options.identity, MAPPING_VERSION: String(MAPPING_VERSION), FHIR_VERSION: fhirVersion });
  const checks: Check[] = [
    { step: "Redis", run: (signal) => untilReady(redis, signal) },
    { step: "Redis settings", run: () => refuseProblems(redis, log) },
    { step: "change feed", run: async (signal) => void (await feed.latest(signal)) },
    {
      step: "DICOM service",
      run: async (signal) => {
        partitions = await probePartitions(site, signal);
      },
    },
    {
      step: "FHIR server",
      run: async (signal) => {
        fhirVersion = await checkServer(fhir, config.FHIR_VERSION, signal);
      },
    },
    { step: "identity", run: () => checkIdentity(stamp(), state, log) },
    { step: "state", run: (signal) => refuseLostState(config, state, fhir, signal) },
  ];
  const dicom = () => ({
    client: dicomClient(site, config, partitions),
    partitions,
  });
  return { redis, state, feed, dicom, fhir, fhirVersion: () => fhirVersion, checks };
}

type DicomConfig = PartialConfig & { readonly DICOM_URL: string };
export type DicomSite = ReturnType<typeof openDicomSite>;

/** What requests to the DICOM service go through. */
export function openDicomSite(
  { config, now, ending: stop }: { config: DicomConfig } & Pick<ServiceOptions, "now" | "ending">,
  releases: Releases,
) {
  const dispatcher = new Agent({ connections: config.CONCURRENCY + config.FEED_READ_AHEAD + 4 });
  releases.add("DICOM connections", CLOSE_MS, () => dispatcher.destroy());
  const requestTimeoutMs = config.DICOM_TIMEOUT_MS;
  const authorize = createAuthorize(config.dicomAuth, { service: "dicom", requestTimeoutMs, stop, now });
  return { url: config.DICOM_URL, authorize, dispatcher, requestTimeoutMs };
}

/** A client that reads what the mapping looks at. */
export function dicomClient(site: DicomSite, config: DicomConfig, partitions: boolean): DicomClient {
  return createDicomClient({
    ...site,
    partitions,
    idleTimeoutMs: config.DICOM_IDLE_TIMEOUT_MS,
    studyTimeoutMs: config.DICOM_STUDY_TIMEOUT_MS,
    maxInstanceBytes: config.DICOM_MAX_INSTANCE_BYTES,
    maxStudyInstances: config.DICOM_MAX_STUDY_INSTANCES,
    maxStudyBytes: config.DICOM_MAX_STUDY_BYTES,
    elements: readTags(config.MAPPING_INCLUDE),
  });
}

async function refuseProblems(redis: RedisClient, log: Log): Promise<void> {
  for (const { code, severity } of await checkRedis(redis)) {
    if (severity === "refuse") throw new StudycastError(code);
    log.warn("Redis could be safer", { code, hint: errorRow(code).hint });
  }
}

/** FEED_START=now on an empty state would skip whatever happened since the state was lost; that FHIR knows this source tells that it was lost. */
async function refuseLostState(config: Config, state: State, fhir: FhirClient, signal: AbortSignal): Promise<void> {
  if (config.FEED_START !== "now" || (await state.checkpoint()).kind === "found") return;
  const known = await endpointExists(fhir, endpointId(config.SOURCE_ID, DEFAULT_PARTITION), signal);
  if (known) throw new StudycastError("STATE_LOST");
}
