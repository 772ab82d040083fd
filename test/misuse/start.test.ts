/**
 * `studycast start` against what is wrong: each is one sentence that says what to do, before anything is written; or, where only time or somebody else can
 * help, a process that lives, says what it waits for, and goes on by itself.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { startFhirEmulator } from "../../emulators/fhir/index.ts";
import { hospitalDay } from "../../emulators/samples/index.ts";
import { type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import { type Environment, endWorkerProcesses, runCommand, type WorkerProcess } from "../support/worker-process.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
  storeFirst(4);
});
afterAll(() => pipeline.close());
beforeEach(async () => {
  await pipeline.redis.redis.flushall();
  pipeline.fhir.clear();
});
afterEach(async () => {
  await endWorkerProcesses();
  pipeline.dicomProxy.clear();
  pipeline.fhirProxy.clear();
});

/** The files of the first steps of a hospital day. */
function storeFirst(steps: number, seed = "misuse"): void {
  for (const step of hospitalDay({ seed }).slice(0, steps))
    if (step.kind === "store") for (const file of step.files) pipeline.dicom.store(file);
}

/** The start is refused: exit code 1, one line on stderr, no stack, nothing written to FHIR, no page stored. */
async function refused(more: Environment, code: string, ...words: string[]): Promise<string> {
  const writes = pipeline.fhir.writes();
  const keys = await pipeline.redis.redis.dbsize();
  const started = await runCommand(["start"], { ...pipeline.options, ...more });
  expect([started.code, started.stderr]).toEqual([1, expect.stringMatching(new RegExp(`^${code}: [^\n]+\n`))]);
  expect(started.stderr).toContain("Try: ");
  for (const word of words) expect(started.stderr).toContain(word);
  expect(started.stderr + started.stdout).not.toMatch(/\n\s+at |node_modules/);
  expect(pipeline.fhir.writes()).toBe(writes);
  expect((await pipeline.redis.redis.dbsize()) - keys).toBeLessThanOrEqual(code === "STATE_LOST" ? 1 : 0);
  return started.stderr;
}

async function untilSynced(worker: WorkerProcess, studies = 1): Promise<void> {
  await until(
    "synced",
    async () =>
      pipeline.fhir.resources("ImagingStudy").length >= studies && (await pipeline.status()).studies.pending === 0,
    { more: async () => `${JSON.stringify(await pipeline.status())}\n${worker.output()}` },
  );
}

/** A worker that has synced everything and was stopped: its state is in Redis. */
async function ranBefore(more: Environment = {}): Promise<void> {
  const worker = pipeline.worker(more);
  await until("the feed is read", () => worker.output().includes("caught up with the feed"), { more: worker.output });
  await untilSynced(worker);
  expect(await worker.stop()).toBe(0);
}

const readiness = async (worker: WorkerProcess) => (await page(worker, "/readyz")).text;

test("a missing option is named", async () => {
  await refused({ FHIR_URL: "" }, "CONFIG_INVALID", "FHIR_URL is missing");
});

test("a wrong value is named, with what is expected", async () => {
  await refused({ PATIENT_POLICY: "all" }, "CONFIG_INVALID", 'PATIENT_POLICY "all"', "link, create, sync");
});

test("neither PATIENT_ID_SYSTEM nor ISSUER_SYSTEMS: refused, both are named", async () => {
  await refused({ PATIENT_ID_SYSTEM: "", ISSUER_SYSTEMS: "" }, "CONFIG_INVALID", "PATIENT_ID_SYSTEM", "ISSUER_SYSTEMS");
});

test("a DICOM URL with a path too much, known or not, is refused", async () => {
  const { dicom } = pipeline;
  await refused({ DICOM_URL: `${dicom.url}/v1` }, "CONFIG_INVALID", "DICOM_URL", "/v1");
  await refused({ DICOM_URL: `${dicom.url}/dicom-web` }, "FEED_NOT_FOUND", "DICOM_URL");
});

test("a service without a change feed is refused", async () => {
  pipeline.dicomProxy.faults([{ effect: { kind: "status", status: 404 }, path: "/changefeed" }]);
  await refused({}, "FEED_NOT_FOUND", "no change feed", "DICOM_URL");
});

test("a web page where FHIR should be is refused", async () => {
  pipeline.fhirProxy.faults([{ effect: { kind: "html" } }]);
  await refused({}, "FHIR_NOT_FHIR", "FHIR_URL");
});

test("a FHIR server of another version, or without update-as-create, is refused", async () => {
  const servers = await Promise.all([
    startFhirEmulator({ fhirVersion: "3.0.2" }),
    startFhirEmulator({ updateCreate: false }),
  ]);
  const [stu3, noIds] = servers;
  try {
    await refused({ FHIR_URL: stu3.url }, "FHIR_VERSION", "R4");
    await refused({ FHIR_URL: noIds.url }, "FHIR_NO_UPDATE_CREATE", "update as create");
    expect(servers.map((server) => server.writes())).toEqual([0, 0]);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
});

test("a Redis that evicts keys is refused", async () => {
  const { redis } = pipeline.redis;
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  try {
    await refused({}, "REDIS_EVICTION", "noeviction");
  } finally {
    await redis.config("SET", "maxmemory-policy", "noeviction");
  }
});

test("a second DICOM service under the same SOURCE_ID is refused; --accept-identity accepts a service that has moved", async () => {
  await ranBefore();
  const moved = { DICOM_URL: pipeline.dicom.url };
  await refused(moved, "STATE_SOURCE", "SOURCE_ID of its own", "--accept-identity");
  const accepted = await pipeline.command(["checkpoint", "--accept-identity"], moved);
  expect([accepted.code, accepted.stdout]).toEqual([0, expect.stringContaining("resync --all")]);
  const writes = pipeline.fhir.writes();
  const worker = pipeline.worker(moved);
  await until("start", async () => (await page(worker, "/readyz")).status === 200, { more: worker.output });
  expect(pipeline.fhir.writes()).toBe(writes);
});

test("a changed PATIENT_ID_SYSTEM is refused until it is accepted; resync --all then brings FHIR in step", async () => {
  await ranBefore({ ISSUER_SYSTEMS: "" });
  const changed = { PATIENT_ID_SYSTEM: "urn:oid:2.25.2", ISSUER_SYSTEMS: "" };
  await refused(changed, "STATE_IDENTITY", "PATIENT_ID_SYSTEM", "--accept-identity");
  expect((await pipeline.command(["checkpoint", "--accept-identity"], changed)).code).toBe(0);
  const worker = pipeline.worker(changed);
  expect((await pipeline.command(["resync", "--all"], changed)).code).toBe(0);
  await until("the new system", () => /urn:oid:2\.25\.2/.test(JSON.stringify(pipeline.fhir.resources("Patient"))), {
    more: worker.output,
  });
});

test("a state written by another version of the mapping is no obstacle: every study is synced once more, without a person", async () => {
  await ranBefore();
  const { redis } = pipeline.redis;
  const [stamp = ""] = await redis.keys("studycast:*:stamp");
  await redis.hset(stamp, "MAPPING_VERSION", "0");
  const outdated = pipeline.fhir.resources("ImagingStudy").length;
  for (const { id } of pipeline.fhir.resources("ImagingStudy"))
    await fetch(`${pipeline.fhir.url}/ImagingStudy/${id}`, { method: "DELETE" });
  const worker = pipeline.worker();
  await untilSynced(worker, outdated);
  await until(
    "the request is done",
    async () => (await pipeline.status()).requests.every(({ state }) => state === "done"),
    {
      more: worker.output,
    },
  );
  expect(await redis.hget(stamp, "MAPPING_VERSION")).not.toBe("0");
});

test("FEED_START=now with the state lost is refused; from the beginning nothing is written twice", async () => {
  await ranBefore();
  await pipeline.redis.redis.flushall();
  await refused({ FEED_START: "now" }, "STATE_LOST", "FEED_START=beginning");
  expect(await pipeline.command(["checkpoint", "show"])).toMatchObject({
    code: 0,
    stdout: /* none */ expect.stringContaining("no checkpoint yet"),
  });
  const writes = pipeline.fhir.writes();
  await ranBefore();
  expect(pipeline.fhir.writes()).toBe(writes);
});

test("a feed that ends before the checkpoint stops following and says so; the process lives, checkpoint set 0 cures it", async () => {
  await ranBefore();
  const { dicom } = pipeline;
  dicom.control.reset();
  try {
    const worker = pipeline.worker();
    await until("told", async () => (await readiness(worker)).includes("FEED_RESET"), { more: worker.output });
    expect((await page(worker, "/livez")).status).toBe(200);
    await until("status", async () => (await pipeline.status()).worker?.feed.state === "stopped", { limitMs: 8000 });
    const shown = JSON.parse((await pipeline.command(["status", "--json"])).stdout);
    expect(shown.feed).toMatchObject({ state: "stopped", code: "FEED_RESET" });
    expect(shown.studies).toMatchObject({ failed: 0, pending: 0 });
    storeFirst(4, "restored");
    const set = await pipeline.command(["checkpoint", "set", "0"]);
    expect([set.code, set.stderr]).toEqual([0, ""]);
    await untilSynced(worker, pipeline.fhir.resources("ImagingStudy").length + 1);
    expect(await readiness(worker)).not.toContain("FEED_RESET");
  } finally {
    dicom.control.reset();
    storeFirst(4);
  }
});

test.each(["DICOM", "FHIR"] as const)(
  "%s unreachable at the start: the process waits, /readyz says for what, and it starts when the service comes",
  async (service) => {
    const proxy = service === "DICOM" ? pipeline.dicomProxy : pipeline.fhirProxy;
    proxy.faults([{ effect: { kind: "reset", when: "before" } }]);
    const worker = pipeline.worker();
    const code = service === "DICOM" ? "FEED_UNAVAILABLE" : "FHIR_UNAVAILABLE";
    await until("what it waits for", async () => (await readiness(worker)).includes(code), { more: worker.output });
    expect(await readiness(worker)).toContain("Starting");
    expect((await page(worker, "/startupz")).status).toBe(503);
    expect((await page(worker, "/livez")).status).toBe(200);
    proxy.clear();
    await untilSynced(worker);
    expect((await page(worker, "/startupz")).status).toBe(200);
  },
);

test("half a CapabilityStatement at the start is waited out: it is no wrong address", async () => {
  pipeline.fhirProxy.faults([{ effect: { kind: "truncate" }, path: "/metadata" }]);
  const worker = pipeline.worker();
  await until("what it waits for", async () => (await readiness(worker)).includes("FHIR_RESPONSE"), {
    more: worker.output,
  });
  pipeline.fhirProxy.clear();
  await untilSynced(worker);
});

test.each(["DICOM", "FHIR"] as const)(
  "a credential for %s that expires: the process lives and says so, nothing fails, and it goes on with a new one",
  async (service) => {
    const worker = pipeline.worker();
    await untilSynced(worker);
    const proxy = service === "DICOM" ? pipeline.dicomProxy : pipeline.fhirProxy;
    proxy.faults([{ effect: { kind: "status", status: 401 } }]);
    storeFirst(4, `expired ${service}`);
    const code = service === "DICOM" ? /(FEED|DICOM)_UNAUTHORIZED/ : /FHIR_UNAUTHORIZED/;
    await until("told", async () => code.test(await readiness(worker)), { more: worker.output });
    expect((await page(worker, "/livez")).status).toBe(200);
    expect((await pipeline.status()).studies.failed).toBe(0);
    const before = pipeline.fhir.resources("ImagingStudy").length;
    proxy.clear();
    await untilSynced(worker, before + 1);
    expect((await pipeline.status()).studies.failed).toBe(0);
  },
);

test("--dry-run tells what it would write, and writes nothing, neither to FHIR nor to the Redis of the real worker", async () => {
  const worker = pipeline.worker({}, ["--dry-run"]);
  await until("told", () => worker.output().includes("ImagingStudy would be created"), { more: worker.output });
  expect(await worker.stop()).toBe(0);
  expect(pipeline.fhir.resources()).toEqual([]);
  expect(await pipeline.redis.redis.dbsize()).toBe(0);
});
