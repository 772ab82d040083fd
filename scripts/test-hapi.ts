/**
 * `npm run test:hapi [-- r4 r5] [--minutes=N]`: the FHIR contract, the end-to-end suite and the validity of what studycast writes, against a real HAPI FHIR
 * server of each release (test/servers/hapi) and HAPI's validator. One server at a time, with a fresh database each.
 *
 * Needs a JDK 17, Maven and, the first time, Maven Central; without them it says so in one line and ends with status 0. With a limit it ends at the first
 * file that fails; when the limit is reached before that, it says so and ends with status 0.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { prepareHapi, startHapi } from "../test/support/hapi.ts";

const RELEASES = ["r4", "r5"] as const;
type Release = (typeof RELEASES)[number];

/** What a real server may answer otherwise than the emulator. The worker does the same with every release, so that R5 gets the load alone. */
const E2E = ["load", "first-sync", "changes", "workers", "dicomcast-defects", "others-data"];
const SUITES: Record<Release, readonly string[]> = {
  r4: ["test/contract/fhir", "test/fhir/server", ...E2E.map((name) => `test/e2e/${name}.test`), "test/hapi"],
  r5: ["test/contract/fhir", "test/e2e/load.test", "test/hapi"],
};

/** Every request is answered later than by an emulator, and Java wants the cores. */
const TEST_MS = 420_000;
const MINUTE_MS = 60_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const JEST = [
  "--experimental-vm-modules",
  "--disable-warning=ExperimentalWarning",
  resolve(import.meta.dirname, "../node_modules/jest/bin/jest.js"),
];

type Outcome = "passed" | "failed" | "left out" | "out of time";

/** Runs the suites of a release. */
async function run(release: Release, limit: AbortSignal | undefined): Promise<Outcome> {
  const startedMs = Date.now();
  const hapi = await startHapi({ fhir: release });
  if (hapi === null) return "left out";
  const seconds = () => `${Math.round((Date.now() - startedMs) / 1000)} s`;
  console.log(`== HAPI FHIR ${release} at ${hapi.url} after ${seconds()}`);
  try {
    if (limit?.aborted) return "out of time";
    const env = { ...process.env, HAPI: release, FHIR_CONTRACT_URL: hapi.url, FHIR_E2E_URL: hapi.url };
    const bail = limit === undefined ? [] : ["--bail"];
    const args = [...JEST, `--testTimeout=${TEST_MS}`, ...bail, ...SUITES[release]];
    // A process group, so that its workers and theirs end with it.
    const jest = spawn(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit"], detached: true });
    const exited = once(jest, "exit") as Promise<[number | null]>;
    const end = () => {
      if (jest.pid !== undefined && jest.exitCode === null) process.kill(-jest.pid, "SIGKILL");
    };
    const stopped = () => {
      end();
      process.exitCode = 1;
    };
    limit?.addEventListener("abort", end);
    for (const name of SIGNALS) process.on(name, stopped);
    const [code] = await exited;
    limit?.removeEventListener("abort", end);
    for (const name of SIGNALS) process.off(name, stopped);
    if (code === 0) return "passed";
    return code === null && limit?.aborted ? "out of time" : "failed";
  } finally {
    await hapi.stop();
    console.log(`== HAPI FHIR ${release}: ${seconds()}`);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const minutes = args.map((arg) => /^--minutes=(\d+)$/.exec(arg)?.[1]).find((found) => found !== undefined);
  const asked = args.filter((arg) => !arg.startsWith("--minutes="));
  const unknown = asked.find((name) => !RELEASES.some((release) => release === name));
  if (unknown !== undefined) {
    console.error(`${unknown} is none of ${RELEASES.join(", ")}`);
    return 2;
  }
  const limit = minutes === undefined ? undefined : AbortSignal.timeout(Number(minutes) * MINUTE_MS);
  if (!(await prepareHapi())) return 0;
  let status = 0;
  for (const release of RELEASES.filter((name) => asked.length === 0 || asked.includes(name))) {
    const outcome = await run(release, limit);
    if (outcome === "out of time") {
      console.error(
        `HAPI FHIR ${release}: ${minutes} minutes are over and no file had failed; the rest is left out of this run.`,
      );
      return status;
    }
    if (outcome === "failed") status = 1;
  }
  return status;
}

process.exitCode = await main(process.argv.slice(2));
