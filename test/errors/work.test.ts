/** Error codes of the work, each provoked with the real command line, seen in `status --json` (or `rejected --json`) and in a metric that carries the code. */
import { afterEach, expect, test } from "@jest/globals";
import type { Effect, Fault } from "../../emulators/fault-proxy/index.ts";
import { ISSUER_SYSTEMS } from "../../emulators/samples/index.ts";
import { ERRORS, type ErrorCode } from "../../src/errors.ts";
import { createState } from "../../src/state/index.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import { closeAll, serveFront } from "../hostile/surroundings.ts";
import type { Environment, WorkerProcess } from "../support/worker-process.ts";

let pipeline: Pipeline;
afterEach(async () => {
  await pipeline.close();
  await closeAll();
});

const start = async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 2, images: 2 } } });
  return pipeline;
};
const more = (worker: WorkerProcess) => async () => `${JSON.stringify(await pipeline.status())}\n${worker.output()}`;

/** What `status --json` prints, with a process. */
async function statusText(): Promise<string> {
  const { code, stdout } = await pipeline.command(["status", "--json"]);
  expect(code).toBe(0);
  return stdout;
}

/** The code is in a label of a metric, and its hint in the log or the status. */
async function measured(worker: WorkerProcess, code: ErrorCode): Promise<void> {
  expect((await page(worker, "/metrics")).text).toMatch(
    new RegExp(`^studycast_\\w+\\{[^}]*"${code}"[^}]*\\} [1-9]`, "m"),
  );
  expect(worker.output() + (await statusText())).toContain(JSON.stringify(ERRORS[code].hint).slice(1, 40));
}

const METADATA = "/metadata";
const WRITE = { method: "POST", body: '"type":"transaction"' };
const status = (code: number): Effect => ({ kind: "status", status: code, body: "outcome" });

const OF_THE_SERVICES: readonly [ErrorCode, "dicom" | "fhir", Fault[]][] = [
  ["DICOM_UNAVAILABLE", "dicom", [{ effect: status(503), path: "/studies" }]],
  ["DICOM_THROTTLED", "dicom", [{ effect: { kind: "status", status: 429, retryAfter: 1 }, path: "/studies" }]],
  ["DICOM_UNAUTHORIZED", "dicom", [{ effect: status(403), path: "/studies" }]],
  ["DICOM_RESPONSE", "dicom", [{ effect: { kind: "html" }, path: METADATA }]],
  ["FHIR_UNAVAILABLE", "fhir", [{ effect: status(503), ...WRITE }]],
  ["FHIR_THROTTLED", "fhir", [{ effect: { kind: "status", status: 429, retryAfter: 1 }, ...WRITE }]],
  ["FHIR_UNAUTHORIZED", "fhir", [{ effect: status(403), ...WRITE }]],
  ["FHIR_CONFLICT", "fhir", [{ effect: status(409), ...WRITE }]],
  ["FHIR_RESPONSE", "fhir", [{ effect: { kind: "html" }, ...WRITE }]],
];

test.each(OF_THE_SERVICES)(
  "%s: the studies wait and nothing fails; they are synced when it is over",
  async (code, service, faults) => {
    await start();
    const proxy = service === "dicom" ? pipeline.dicomProxy : pipeline.fhirProxy;
    proxy.faults(faults);
    const worker = pipeline.worker();
    await until(code, async () => (await page(worker, "/metrics")).text.includes(`"${code}"`), { more: more(worker) });
    const shown = JSON.parse(await statusText());
    expect(shown.studies).toMatchObject({ failed: 0, pending: 2 });
    await measured(worker, code);
    proxy.clear();
    await until("synced", () => instancesByStudy(pipeline.fhir).size === 2, { more: more(worker) });
  },
);

test.each([
  ["DICOM_REFUSED", "dicom", { effect: status(400), path: METADATA }],
  ["FHIR_REJECTED", "fhir", { effect: status(422), ...WRITE }],
] as const)("%s: the study fails with what to do; retry cures it", async (code, service, fault) => {
  await start();
  const proxy = service === "dicom" ? pipeline.dicomProxy : pipeline.fhirProxy;
  proxy.faults([fault]);
  const worker = pipeline.worker();
  await until(code, async () => (await pipeline.status()).failed[0]?.code === code, { more: more(worker) });
  expect(await statusText()).toContain(`"${code}"`);
  await measured(worker, code);
  proxy.clear();
  expect((await pipeline.command(["retry", "--all"])).code).toBe(0);
  await until("synced", () => instancesByStudy(pipeline.fhir).size === 2, { more: more(worker) });
});

/** A front that changes the metadata of studies. */
const changing = (change: (text: string) => string) =>
  serveFront(pipeline.dicom.url, (request, response) => {
    if (!/\/studies\/[0-9.]+\/metadata$/.test(request.url ?? "")) return false;
    void fetch(pipeline.dicom.url + request.url, { headers: { accept: "application/dicom+json" } })
      .then((answer) => answer.text())
      .then((text) => response.setHeader("content-type", "application/dicom+json").end(change(text)));
    return true;
  });

test("INSTANCE_INVALID, INSTANCE_UNREADABLE: the instance is left out, listed and counted, the rest is synced", async () => {
  await start();
  const url = await changing((text) => text.replace(/^\[/, '[{"00080018":{"vr":"UI","Value":["no uid"]}},{broken},'));
  const worker = pipeline.worker({ DICOM_URL: url });
  await until("both", () => instancesByStudy(pipeline.fhir).size === 2, { more: more(worker) });
  const { code, stdout } = await pipeline.command(["rejected", "--json"]);
  expect(code).toBe(0);
  for (const one of ["INSTANCE_INVALID", "INSTANCE_UNREADABLE"] as const) {
    expect(stdout).toContain(one);
    expect((await page(worker, "/metrics")).text).toMatch(
      new RegExp(`instances_rejected_total\\{[^}]*"${one}"[^}]*\\} [1-9]`),
    );
  }
  expect((await pipeline.command(["rejected"])).stdout).toContain(ERRORS.INSTANCE_INVALID.hint.slice(0, 30));
});

/** Waits for the waiting code in `status --json` and its gauge. */
async function waits(code: ErrorCode, worker: WorkerProcess): Promise<void> {
  await until(code, async () => ((await pipeline.status()).studies.waiting[code] ?? 0) > 0, { more: more(worker) });
  expect(await statusText()).toContain(`"${code}"`);
  await until("the gauge", async () =>
    (await page(worker, "/metrics")).text.includes(`waiting_studies{code="${code}"} `),
  );
}

test("ISSUER_UNKNOWN: a patient ID whose issuer nobody named waits", async () => {
  await start();
  const url = await changing((text) =>
    text.replaceAll('"00100020"', '"00100021":{"vr":"LO","Value":["ELSEWHERE"]},"00100020"'),
  );
  const worker = pipeline.worker({
    DICOM_URL: url,
    PATIENT_ID_SYSTEM: "",
    ISSUER_SYSTEMS: JSON.stringify(ISSUER_SYSTEMS),
  });
  await waits("ISSUER_UNKNOWN", worker);
});

const put = async (resource: { resourceType: string; id?: string }) => {
  const answer = await fetch(`${pipeline.fhir.url}/${resource.resourceType}/${resource.id}`, {
    method: "PUT",
    headers: { "content-type": "application/fhir+json" },
    body: JSON.stringify(resource),
  });
  expect(answer.status).toBe(201);
};

test("PATIENT_AMBIGUOUS, STUDY_AMBIGUOUS: a second resource for the same waits until one is gone", async () => {
  await start();
  const worker = pipeline.worker();
  await until("both", () => instancesByStudy(pipeline.fhir).size === 2, { more: more(worker) });
  const [study] = pipeline.fhir.resources("ImagingStudy");
  const [patient] = pipeline.fhir.resources("Patient");
  if (study === undefined || patient === undefined) throw new Error("nothing was written");
  await put({ ...study, id: "one-too-many" });
  expect((await pipeline.command(["resync", "--all"])).code).toBe(0);
  await waits("STUDY_AMBIGUOUS", worker);
  await fetch(`${pipeline.fhir.url}/ImagingStudy/one-too-many`, { method: "DELETE" });
  await put({ ...patient, id: "one-too-many" });
  expect((await pipeline.command(["resync", "--all"])).code).toBe(0);
  await waits("PATIENT_AMBIGUOUS", worker);
});

test("WORKER_DIED: a study in which the process dies again and again is set aside", async () => {
  await start();
  pipeline.fhirProxy.faults([{ effect: { kind: "hold", name: "hang", when: "before" }, ...WRITE }]);
  const env: Environment = { MAX_DEATHS: "1", CONCURRENCY: "1" };
  for (let death = 1; death <= 6 && (await pipeline.status()).studies.failed === 0; death++) {
    const worker = pipeline.worker(env);
    // What is held stays held: a write that went through after all would leave nothing to do.
    const isHeld = async () => pipeline.fhirProxy.held("hang") >= death || (await pipeline.status()).studies.failed > 0;
    await until("a sync", isHeld, { more: more(worker) });
    worker.kill("SIGKILL");
    await worker.exited;
  }
  const last = pipeline.worker(env);
  await until("set aside", async () => (await pipeline.status()).failed.some(({ code }) => code === "WORKER_DIED"), {
    more: more(last),
  });
  expect(await statusText()).toContain(ERRORS.WORKER_DIED.hint.slice(0, 30));
}, 90_000);

test("REDIS_FULL, REDIS_UNAVAILABLE: told by /readyz and counted; the process lives and goes on", async () => {
  await start();
  const { redis } = pipeline;
  const worker = pipeline.worker();
  await until("both", () => instancesByStudy(pipeline.fhir).size === 2, { more: more(worker) });
  const told = (code: ErrorCode) => async () => (await page(worker, "/readyz")).text.includes(code);
  await redis.redis.config("SET", "maxmemory", "1");
  await until("REDIS_FULL", told("REDIS_FULL"), {
    more: async () => (await page(worker, "/readyz")).text + worker.output(),
  });
  await redis.redis.config("SET", "maxmemory", "0");
  await redis.kill();
  await until("REDIS_UNAVAILABLE", told("REDIS_UNAVAILABLE"));
  expect((await page(worker, "/livez")).status).toBe(200);
  const metric = /redis_errors_total\{code="REDIS_UNAVAILABLE"\} [1-9]/;
  await until("counted", async () => metric.test((await page(worker, "/metrics")).text));
  await redis.restart();
  await until("well", async () => (await page(worker, "/readyz")).status === 200, { more: more(worker) });
});

test("INTERNAL: a request that no version has ever made fails by itself", async () => {
  await start();
  const worker = pipeline.worker();
  await until("both", () => instancesByStudy(pipeline.fhir).size === 2, { more: more(worker) });
  const settle = { minMs: 0, maxMs: 200, factor: 10, burstEndMs: 60_000 };
  const state = createState(pipeline.redis.redis, { sourceId: "test", graceMs: 1000, settle });
  await state.addRequest({ kind: "nonsense" });
  await until("failed", async () => (await pipeline.status()).requests.some(({ code }) => code === "INTERNAL"), {
    more: more(worker),
  });
  expect(await statusText()).toContain('"INTERNAL"');
});
