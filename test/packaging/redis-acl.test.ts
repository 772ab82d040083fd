/** The Redis user of docs/operations.md: what it may do is all that studycast does. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type DicomEmulator, startDicomEmulator } from "../../emulators/dicom/index.ts";
import { type FhirEmulator, startFhirEmulator } from "../../emulators/fhir/index.ts";
import { hospitalDay, playHospitalDay } from "../../emulators/samples/index.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { endWorkerProcesses, runCommand, startWorkerProcess } from "../support/worker-process.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/operations.md"), "utf8");
const rules = /^ACL SETUSER studycast (.*)$/m.exec(page)?.[1]?.split(" ") ?? [];
const PASSWORD = "geheim";

let server: TestRedis;
let dicom: DicomEmulator;
let fhir: FhirEmulator;
beforeAll(async () => {
  [server, dicom, fhir] = await Promise.all([startTestRedis(), startDicomEmulator(), startFhirEmulator()]);
  await server.redis.acl("SETUSER", "studycast", ...rules.map((rule) => rule.replace(/^>PASSWORD$/, `>${PASSWORD}`)));
});
afterEach(endWorkerProcesses);
afterAll(() => Promise.all([server.stop(), dicom.close(), fhir.close()]));

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(50);
}

describe("the Redis user of docs/operations.md", () => {
  test("may do what the worker and every command does, and no refusal is logged", async () => {
    const options = {
      DICOM_URL: dicom.url,
      FHIR_URL: fhir.url,
      REDIS_URL: `unix://studycast:${PASSWORD}@${server.socketPath}`,
    };
    const worker = startWorkerProcess(options);
    await playHospitalDay(dicom.url, hospitalDay());
    const isQuiet = async () => (await runCommand(["status", "--json"], options)).stdout.includes('"pending": 0');
    await until(() => fhir.resources("ImagingStudy").length > 0);
    await until(isQuiet);
    const url = await worker.url;
    expect((await fetch(`${url}/queues/api/queues`)).status).toBe(200);
    const [study = ""] = /2\.25\.\d+/.exec(JSON.stringify(fhir.resources("ImagingStudy")[0])) ?? [];
    for (const command of [
      ["resync", "--study", study],
      ["resync", "--all"],
      ["resync", "--changed-since", "2020-01-01T00:00:00Z"],
      ["retry", "--all"],
      ["rejected", "--json"],
      ["checkpoint", "show"],
      ["checkpoint", "set", "0"],
      ["checkpoint", "--accept-identity"],
    ]) {
      const { code, stderr } = await runCommand(command, {
        ...options,
        PATIENT_ID_SYSTEM: "urn:oid:2.25.1",
        SOURCE_ID: "test",
      });
      expect([command, code, code === 0 ? "" : stderr]).toEqual([command, 0, ""]);
    }
    expect(await worker.stop()).toBe(0);
    expect(await server.redis.acl("LOG")).toEqual([]);
  }, 60_000);

  test("may not touch other keys, and not run the server", async () => {
    const denied = async (...command: string[]) =>
      String(await server.redis.call("ACL", "DRYRUN", "studycast", ...command)).includes("no permissions");
    expect(await denied("GET", "other")).toBe(true);
    expect(await denied("PUBLISH", "other", "x")).toBe(true);
    for (const command of [["FLUSHALL"], ["SHUTDOWN"], ["CONFIG", "SET", "dir", "/"], ["ACL", "LIST"]])
      expect([command, await denied(...command)]).toEqual([command, true]);
  });
});
