/** Clients of our HTTP port, and pages in the operator's browser, that mean no good. The worker is the real one, with the real dashboard. */
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import type { WorkerProcess } from "../support/worker-process.ts";
import { AS_STARTED, expectSmallMemory } from "./surroundings.ts";

let pipeline: Pipeline;
let worker: WorkerProcess;
let url: URL;
beforeAll(async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 3, images: 1 } } });
  pipeline.fhirProxy.faults([
    {
      effect: { kind: "status", status: 422, body: "outcome", code: "<img src=x onerror=alert(1)>" },
      method: "POST",
      body: "transaction",
    },
  ]);
  worker = pipeline.worker(AS_STARTED);
  url = new URL(await worker.url);
  await until("failed", async () => (await pipeline.status()).studies.failed === 3, { more: worker.output });
});
afterAll(() => pipeline.close());

type Sent = { status: number; headers: NodeJS.Dict<string | string[]>; text: string };

/** With exactly these headers, which fetch would not send. */
function send(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: url.hostname, port: url.port, method, path, headers: { host: url.host, ...headers } },
      (answer) => {
        let text = "";
        answer.on("data", (part) => (text += part));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

const open = (): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    socket.on("error", () => {});
    socket.once("connect", () => resolve(socket));
  });

test("a few hundred clients that send a byte now and then are cut off; the probes answer meanwhile", async () => {
  const sockets = await Promise.all(Array.from({ length: 300 }, open));
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  for (const socket of sockets) socket.write("POST /queues/api HTTP/1.1\r\nHost: localhost\r\nX-A: ");
  const timer = setInterval(() => sockets.forEach((socket) => void (socket.writable && socket.write("a"))), 200);
  try {
    for (let n = 0; n < 5; n++) expect((await page(worker, "/livez")).status).toBe(200);
    await Promise.all(closed);
  } finally {
    clearInterval(timer);
  }
  expectSmallMemory(worker);
}, 20_000);

test("more connections than there are places are refused, and the worker goes on", async () => {
  const sockets = await Promise.all(Array.from({ length: 700 }, open));
  for (const socket of sockets) socket.destroy();
  await until("a place", async () => (await page(worker, "/livez")).status === 200);
  expectSmallMemory(worker);
});

test("a body, a header and a URL that are too large are refused before they are read", async () => {
  const large = "x".repeat(200_000);
  const json = { "content-type": "application/json" };
  // The answer comes before all has been taken, so that sending the rest may end in a reset, which is a refusal as well (0).
  const sent = async (...request: Parameters<typeof send>) =>
    (await send(...request).catch(() => ({ status: 0 }))).status;
  expect([0, 413]).toContain(await sent("PUT", "/queues/api/queues/sync/1/retry/failed", json, large));
  expect([0, 431]).toContain(await sent("GET", "/livez", { "x-a": "a".repeat(20_000) }));
  expect([0, 404, 414, 431]).toContain(await sent("GET", `/${"a".repeat(14_000)}`));
  expect((await page(worker, "/livez")).status).toBe(200);
});

test.each([
  "/..",
  "/../../etc/passwd",
  "/queues/static/../../../../etc/passwd",
  "/queues/static/..%2f..%2f..%2fpackage.json",
  "/queues/static/%2e%2e/%2e%2e/package.json",
  "/queues/static/..\\..\\package.json",
  "/queues/static//etc/passwd",
  "/%00",
  "/queues/%",
])("%s leads nowhere", async (path) => {
  const { status, text } = await send("GET", path);
  expect([200, 400, 403, 404]).toContain(status);
  expect(text).not.toMatch(/root:|"dependencies"/);
});

test("pages are framed by nobody, run no script of others, and show markup as text", async () => {
  for (const path of ["/", "/queues", "/queues/api/queues?activeQueue=sync&status=failed&jobsPerPage=10"]) {
    const { headers, text } = await send("GET", path);
    const policy = String(headers["content-security-policy"]);
    expect([path, policy]).toEqual([path, expect.stringContaining("frame-ancestors 'none'")]);
    expect(policy).not.toMatch(/script-src[^;]*('unsafe|https?:|\*)/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    if (String(headers["content-type"]).startsWith("text/html")) expect(text).not.toMatch(/onerror|<img/);
  }
  expect(JSON.stringify(await pipeline.status())).not.toContain("onerror");
});

test("everything the dashboard's page loads by itself comes from here and is allowed by its policy", async () => {
  const { text } = await send("GET", "/queues");
  const scripts = [...text.matchAll(/<script([^>]*)>/g)].map(([, attributes = ""]) => attributes);
  expect(scripts.length).toBeGreaterThan(0);
  for (const attributes of scripts) expect(attributes).toMatch(/src="static\/|type="application\/json"/);
});

test("another site cannot have the browser change anything, by whatever request", async () => {
  const json = { "content-type": "application/json" };
  const paths = [
    "/queues/api/queues/sync/retry/failed",
    "/queues/api/queues/sync/clean/failed",
    "/queues/api/queues/sync/pause",
  ];
  for (const path of paths) {
    expect((await send("PUT", path, { ...json, origin: "https://evil.example" }, "{}")).status).toBe(403);
    expect((await send("PUT", path, { ...json, "sec-fetch-site": "cross-site" }, "{}")).status).toBe(403);
    expect((await send("POST", path, { ...json, origin: "null" }, "{}")).status).toBe(403);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
      expect((await send("POST", path, { "content-type": type }, "a=b")).status).toBe(415);
    expect((await send("POST", path, { "content-length": "2" }, "{}")).status).toBe(415);
  }
  expect((await pipeline.status()).studies.failed).toBe(3);
});

test("a name that was made to resolve to this machine gets nothing; an address and localhost do", async () => {
  for (const host of ["evil.example", `evil.example:${url.port}`, "127.0.0.1.evil.example", "localhost.evil.example"]) {
    expect([host, (await send("GET", "/", { host })).status]).toEqual([host, 421]);
    expect([host, (await send("GET", "/queues", { host })).status]).not.toEqual([host, 200]);
  }
  for (const host of [`127.0.0.1:${url.port}`, `localhost:${url.port}`, "[::1]:80"])
    expect([host, (await send("GET", "/", { host })).status]).toEqual([host, 200]);
  expect((await send("GET", "/livez", { host: "probe.example" })).status).toBe(200);
});
