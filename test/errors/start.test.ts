/** Error codes of the start, each provoked with the real command line: refused with exit code 1 and a hint, or waited for and told by /readyz and metrics. */

import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { ERRORS, type ErrorCode } from "../../src/errors.ts";
import { type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import { closeAll, makeCertificate, serve, serveFront, serveTls } from "../hostile/surroundings.ts";
import { startTestRedis } from "../support/redis.ts";
import { type Environment, endWorkerProcesses, runCommand } from "../support/worker-process.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 1, images: 1 } } });
});
afterAll(() => pipeline.close());
beforeEach(async () => {
  await pipeline.redis.redis.flushall();
});
afterEach(async () => {
  await endWorkerProcesses();
  pipeline.dicomProxy.clear();
  pipeline.fhirProxy.clear();
  await closeAll();
});

/** Exit code 1, one line with the code, its message, and what to do. */
async function refused(code: ErrorCode, env: Environment): Promise<void> {
  const { code: exit, stderr } = await runCommand(["start"], { ...pipeline.options, ...env });
  expect([exit, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^(?:.*\n)?${code}: `))]);
  expect(stderr).toContain(ERRORS[code].message);
  expect(stderr).toContain(ERRORS[code].hint.slice(0, 40));
}

/** The process lives, /readyz tells the code in one sentence, and the metric counts it. */
async function waitedFor(code: ErrorCode, env: Environment = {}): Promise<string> {
  const worker = pipeline.worker(env);
  let told = "";
  await until(
    code,
    async () => {
      told = (await page(worker, "/readyz")).text;
      return told.includes(`${code}: ${ERRORS[code].message}`);
    },
    { more: async () => `${told}\n${worker.output()}` },
  );
  const sentence = told.split("\n").find((line) => line.includes(code)) ?? "";
  expect((await page(worker, "/livez")).status).toBe(200);
  expect((await page(worker, "/metrics")).text).toMatch(
    new RegExp(`studycast_start_errors_total\\{code="${code}"\\} [1-9]`),
  );
  expect(worker.output()).toContain(ERRORS[code].hint.slice(0, 40));
  await endWorkerProcesses();
  return sentence;
}

const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "studycast-errors-"));
  folders.push(folder);
  return folder;
};
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test("HTTP_ADDRESS_IN_USE: the port is taken", async () => {
  const url = await serve((_request, response) => response.end());
  await refused("HTTP_ADDRESS_IN_USE", { HTTP_PORT: new URL(url).port });
});

test("HTTP_ADDRESS_INVALID: the address is not of this machine", async () => {
  await refused("HTTP_ADDRESS_INVALID", { HTTP_HOST: "192.0.2.1", HTTP_PASSWORD: "x" });
});

test("REDIS_IN_USE: two workers with one DATA_DIR", async () => {
  const own = { REDIS_URL: "", DATA_DIR: temporary() };
  const worker = pipeline.worker(own);
  await until("Redis", () => worker.output().includes("checks have passed"), { more: worker.output });
  await refused("REDIS_IN_USE", own);
  expect(await worker.stop()).toBe(0);
});

test("REDIS_MISSING: none installed, and none to be fetched", async () => {
  const installed = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].some((folder) =>
    ["redis-server", "valkey-server"].some((name) => existsSync(join(folder, name))),
  );
  if (installed) return process.stderr.write("skipped: a Redis is installed beyond the PATH\n");
  const empty = temporary();
  await refused("REDIS_MISSING", {
    REDIS_URL: "",
    DATA_DIR: temporary(),
    PATH: empty,
    HOME: empty,
    XDG_CACHE_HOME: empty,
  });
});

test("REDIS_VERSION: a Redis older than 6.2", async () => {
  const old = createServer((client) => {
    const real = tcpConnect(pipeline.redis.socketPath);
    client.on("error", () => {}).on("close", () => real.destroy());
    real.on("error", () => {}).on("close", () => client.destroy());
    client.pipe(real);
    // The same length, so that the reply's own length stays right.
    real.on("data", (bytes) =>
      client.write(
        bytes
          .toString("latin1")
          .replace(/redis_version:\d/, "redis_version:5")
          .replace("valkey_version", "xalkey_version"),
        "latin1",
      ),
    );
  }).listen(0, "127.0.0.1");
  await once(old, "listening");
  await refused("REDIS_VERSION", { REDIS_URL: `redis://127.0.0.1:${(old.address() as AddressInfo).port}` });
  old.close();
});

test("STATE_LAYOUT: the state of another layout version", async () => {
  const worker = pipeline.worker();
  await until("the stamp", () => worker.output().includes("checks have passed"), { more: worker.output });
  expect(await worker.stop()).toBe(0);
  const { redis } = pipeline.redis;
  const [stamp = ""] = (await redis.keys("*stamp*")).map(String);
  await redis.hset(stamp, "layout", "0");
  await refused("STATE_LAYOUT", {});
});

test("FHIR_NO_TRANSACTION: the server offers none", async () => {
  const statement = await (await fetch(`${pipeline.fhir.url}/metadata`)).text();
  const origin = new URL(pipeline.fhir.url).origin;
  const url = await serveFront(origin, (request, response) => {
    if (!request.url?.endsWith("/metadata")) return false;
    response.setHeader("content-type", "application/fhir+json").end(statement.replaceAll('"transaction"', '"batch"'));
    return true;
  });
  await refused("FHIR_NO_TRANSACTION", { FHIR_URL: `${url}/fhir` });
});

test("AUTH_FAILED: the token endpoint refuses the client", async () => {
  const token = await serve((_request, response) => response.writeHead(400).end('{"error":"invalid_client"}'));
  const oauth = {
    DICOM_AUTH: "oauth2",
    DICOM_TOKEN_URL: `${token}/token`,
    DICOM_CLIENT_ID: "c",
    DICOM_CLIENT_SECRET: "geheim",
  };
  expect(await waitedFor("AUTH_FAILED", oauth)).not.toContain("geheim");
});

test("REDIS_UNAUTHORIZED: a wrong password", async () => {
  const { redis, socketPath } = pipeline.redis;
  await redis.config("SET", "requirepass", "right");
  try {
    expect(await waitedFor("REDIS_UNAUTHORIZED", { REDIS_URL: `unix://default:wrong@${socketPath}` })).not.toContain(
      "wrong",
    );
  } finally {
    await redis.config("SET", "requirepass", "");
  }
});

test("REDIS_CERTIFICATE, DICOM_CERTIFICATE, FHIR_CERTIFICATE: self-signed or for another host, each one clear sentence", async () => {
  const own = makeCertificate("IP:127.0.0.1");
  const other = makeCertificate("DNS:other.example");
  const [selfSigned, otherHost] = [await serveTls(own), await serveTls(other)];
  expect(await waitedFor("DICOM_CERTIFICATE", { DICOM_URL: selfSigned.url })).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
  const trusted = { DICOM_URL: otherHost.url, NODE_EXTRA_CA_CERTS: other.certFile };
  expect(await waitedFor("DICOM_CERTIFICATE", trusted)).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
  expect(await waitedFor("FHIR_CERTIFICATE", { FHIR_URL: `${selfSigned.url}/fhir` })).toContain("SELF_SIGNED");
  expect(await waitedFor("REDIS_CERTIFICATE", { REDIS_URL: selfSigned.url.replace("https", "rediss") })).toContain(
    "SELF_SIGNED",
  );
  expect([...selfSigned.requests, ...otherHost.requests]).toEqual([]);
});

test("FEED_THROTTLED, FEED_UNAUTHORIZED, FEED_RESPONSE, FHIR_THROTTLED: what the services answer at the start", async () => {
  const { dicomProxy, fhirProxy } = pipeline;
  for (const [code, effect] of [
    ["FEED_THROTTLED", { kind: "status", status: 429 }],
    ["FEED_UNAUTHORIZED", { kind: "status", status: 403 }],
    ["FEED_RESPONSE", { kind: "html" }],
  ] as const) {
    dicomProxy.faults([{ effect, path: "/changefeed" }]);
    await waitedFor(code);
  }
  dicomProxy.clear();
  fhirProxy.faults([{ effect: { kind: "status", status: 429 } }]);
  await waitedFor("FHIR_THROTTLED");
});

test("REDIS_PERSISTENCE: a Redis that keeps nothing is warned of, and used", async () => {
  const volatile = await startTestRedis();
  try {
    await volatile.redis.config("SET", "appendonly", "no");
    const worker = pipeline.worker({ REDIS_URL: volatile.url });
    await until("start", () => worker.output().includes("checks have passed"), { more: worker.output });
    expect(worker.output()).toContain(`"code":"REDIS_PERSISTENCE"`);
    expect(worker.output()).toContain(ERRORS.REDIS_PERSISTENCE.hint);
    expect(await worker.stop()).toBe(0);
  } finally {
    await volatile.stop();
  }
});

test("ABORTED: an interrupted command that was waiting exits with 75 or well", async () => {
  pipeline.dicomProxy.faults([{ effect: { kind: "hold", name: "h", when: "before" } }]);
  const worker = pipeline.worker();
  await pipeline.dicomProxy.whenHeld("h", AbortSignal.timeout(15_000));
  worker.kill("SIGTERM");
  expect([0, 75]).toContain(await worker.stop("SIGINT"));
});
