/**
 * `npm run test:hapi [-- r4 r5]`: the FHIR contract, the end-to-end suite and the validity of what studycast writes, against a real HAPI FHIR server of each
 * release (test/servers/hapi) and HAPI's validator. One server at a time, with a fresh database each. Needs Java 17 and Maven; without them it says so in
 * one line and ends with status 0.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { hapiAvailable, startHapi } from "../test/support/hapi.ts";

const RELEASES = ["r4", "r5"] as const;
type Release = (typeof RELEASES)[number];

/** Jest's paths by release. What the worker does does not depend on the release, so R5 gets the load alone. */
const SUITES: Record<Release, readonly string[]> = {
  r4: ["test/contract/fhir", "test/e2e", "test/hapi"],
  r5: ["test/contract/fhir", "test/e2e/load", "test/e2e/first-sync", "test/hapi"],
};

/** Every request is answered later than by an emulator, and Java wants the cores. */
const TEST_MS = 300_000;

const JEST = [
  "--experimental-vm-modules",
  "--disable-warning=ExperimentalWarning",
  resolve(import.meta.dirname, "../node_modules/jest/bin/jest.js"),
];

/** Runs the suites of a release; false when a test fails or the server does not come up. */
async function passes(release: Release): Promise<boolean> {
  const startedMs = Date.now();
  const hapi = await startHapi({ fhir: release });
  if (hapi === null) return false;
  const seconds = () => `${Math.round((Date.now() - startedMs) / 1000)} s`;
  console.log(`== HAPI FHIR ${release} at ${hapi.url} after ${seconds()}`);
  try {
    const env = { ...process.env, HAPI: release, FHIR_CONTRACT_URL: hapi.url, FHIR_E2E_URL: hapi.url };
    const jest = spawn(process.execPath, [...JEST, `--testTimeout=${TEST_MS}`, ...SUITES[release]], {
      env,
      stdio: "inherit",
    });
    const [code] = (await once(jest, "exit")) as [number | null];
    return code === 0;
  } finally {
    await hapi.stop();
    console.log(`== HAPI FHIR ${release}: ${seconds()}`);
  }
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !RELEASES.some((release) => release === name));
if (unknown !== undefined) {
  console.error(`${unknown} is none of ${RELEASES.join(", ")}`);
  process.exitCode = 2;
} else if (hapiAvailable()) {
  for (const release of RELEASES.filter((name) => asked.length === 0 || asked.includes(name))) {
    if (!(await passes(release))) process.exitCode = 1;
  }
}
