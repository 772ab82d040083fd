/**
 * The demo: a DICOM service, a FHIR server, a Redis and the worker, and DICOM files that arrive. All of it is in this process but Redis, whose guard
 * ends it and removes its folder when this process is gone, however it ended.
 */
import { setTimeout as delay } from "node:timers/promises";
import { startDicomEmulator } from "../../emulators/dicom/index.ts";
import { startFhirEmulator } from "../../emulators/fhir/index.ts";
import type { Environment } from "../../src/cli/command.ts";
import { workerOptions } from "../../src/cli/start.ts";
import { version } from "../../src/cli/version.ts";
import { StudycastError } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import type { RedisAddress } from "../../src/redis/index.ts";
import { runWorker } from "../../src/worker.ts";
import type { DemoArguments } from "./arguments.ts";
import { demoConfig } from "./config.ts";
import { createLook } from "./look.ts";
import type { Screen } from "./screen.ts";
import { showStudies } from "./show-studies.ts";
import { linkLines, logLines } from "./text.ts";

export type Surroundings = {
  env: Environment;
  /** Ends the demo. */
  stop: AbortSignal;
  /** Ends it without waiting for what is in flight. */
  abort: AbortSignal;
  /** Standard output, for `--json`. */
  result(text: string): void;
};

const READY_MS = 50;
/** Exit code of a `--once` that was ended before everything was synced: try again. */
const INTERRUPTED = 75;

/**
 * Runs until `stop` aborts, or with `once` until everything is synced. The exit code: 0, 1 when studies failed or wait for a person, 75 when `once` was
 * interrupted.
 * @throws StudycastError when the worker cannot start
 */
export async function runDemo(options: DemoArguments, screen: Screen, surroundings: Surroundings): Promise<number> {
  const { env, stop, abort } = surroundings;
  const startedMs = Date.now();
  const dicom = await startDicomEmulator();
  const fhir = await startFhirEmulator();
  const config = demoConfig(dicom.url, fhir.url);
  const log = createLog("warn", { write: (line: string) => logLines(line).forEach(screen.line) });
  const tell = (text: string) => screen.line(text.trimEnd());
  const worker = workerOptions(config, { log, version: version(), env, temporaryRedis: true, tell });

  const opened = Promise.withResolvers<RedisAddress>();
  const listening = Promise.withResolvers<string>();
  const workerStop = new AbortController();
  const running = runWorker(
    {
      ...worker,
      async openRedis(signal) {
        const redis = await worker.openRedis(signal);
        opened.resolve(redis.address);
        return redis;
      },
      onListening: listening.resolve,
    },
    { stop: workerStop.signal, abort },
  );
  const ended = running.then(() => Promise.reject(new StudycastError("ABORTED")));
  ended.catch(() => {});
  const show = async (): Promise<number> => {
    const [url, address] = await Promise.race([Promise.all([listening.promise, opened.promise]), ended, aborted(stop)]);
    const look = createLook({ address, state: worker.state, dicomUrl: dicom.url, fhir });
    try {
      await Promise.race([untilReady(url, stop), ended]);
      const links = { url, address, dicomUrl: dicom.url, fhirUrl: fhir.url, sourceId: config.SOURCE_ID };
      for (const line of linkLines(links)) screen.line(line);
      const places = { look, fhir, dicomUrl: dicom.url, startedMs };
      return await Promise.race([showStudies(options, screen, places, surroundings), ended]);
    } finally {
      look.close();
    }
  };
  try {
    return await show();
  } catch (thrown) {
    if (stop.aborted) return options.once ? INTERRUPTED : 0;
    throw thrown;
  } finally {
    screen.end();
    workerStop.abort();
    await running.catch(() => {}); // its error, if any, has ended `show`
    await Promise.all([dicom.close(), fhir.close()]);
  }
}

async function untilReady(url: string, stop: AbortSignal): Promise<void> {
  while (!(await fetch(`${url}/startupz`, { signal: stop })).ok) await delay(READY_MS, undefined, { signal: stop });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new StudycastError("ABORTED"));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}
