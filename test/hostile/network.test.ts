/** Servers that lead elsewhere, answers packed to burst, credentials: what is asked of us by a server is not done, and what is secret stays so. */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, expect, test } from "@jest/globals";
import { StudycastError } from "../../src/errors.ts";
import { createFhirClient } from "../../src/fhir/index.ts";
import { instancesByStudy, type Pipeline, page, startPipeline, until } from "../faults/pipeline.ts";
import { AS_STARTED, closeAll, expectSmallMemory, pour, serve, serveFront, serveTrap } from "./surroundings.ts";

let pipeline: Pipeline | undefined;
afterEach(async () => {
  await pipeline?.close();
  pipeline = undefined;
  await closeAll();
});

const MEGABYTE = 1024 * 1024;
const start = async () => {
  pipeline = await startPipeline({ dicom: { synthetic: { studies: 2, images: 1 } } });
  return pipeline;
};
const { signal } = new AbortController();

test.each([301, 302, 303, 307, 308])(
  "a redirect (%i) of either service to another host is not followed, and no credential gets there",
  async (status) => {
    const { worker: start1, fhir } = await start();
    const trap = await serveTrap();
    const redirect = await serve((request, response) =>
      response.writeHead(status, { location: `${trap.url}${request.url}` }).end(),
    );
    const auth = {
      DICOM_AUTH: "basic",
      DICOM_USER: "u",
      DICOM_PASSWORD: "geheim",
      FHIR_AUTH: "basic",
      FHIR_USER: "u",
      FHIR_PASSWORD: "geheim",
    };
    const dicom = start1({ ...auth, DICOM_URL: redirect });
    await until("told", async () => (await page(dicom, "/readyz")).text.includes("FEED_RESPONSE"), {
      more: dicom.output,
    });
    const toFhir = start1({ ...auth, FHIR_URL: `${redirect}/fhir`, SOURCE_ID: "other" });
    expect(await toFhir.exited).toBe(1);
    expect(toFhir.output()).toContain("FHIR_NOT_FHIR");
    expect(trap.requests).toEqual([]);
    expect(fhir.writes()).toBe(0);
    expect(dicom.output() + toFhir.output()).not.toContain("geheim");
  },
);

test("a redirect of one study, and of each write, is an error of that study: nothing goes elsewhere", async () => {
  const { dicom, worker, status } = await start();
  const trap = await serveTrap();
  const url = await serveFront(dicom.url, (request, response) => {
    if (!(request.url ?? "").endsWith("/metadata")) return false;
    response.writeHead(307, { location: trap.url }).end();
    return true;
  });
  const running = worker({ DICOM_URL: url });
  await until("told", async () => (await page(running, "/metrics")).text.includes('"DICOM_RESPONSE"'), {
    more: running.output,
  });
  expect((await status()).studies).toMatchObject({ failed: 0, pending: 2 });
  expect(trap.requests).toEqual([]);
});

test("a next link to another host is asked of our own server only", async () => {
  const trap = await serveTrap();
  const asked: string[] = [];
  const own = await serve((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.setHeader("content-type", "application/fhir+json").end('{"resourceType":"Bundle","type":"searchset"}');
  });
  const authorize = { header: async () => "Bearer geheim", renew: () => {} };
  const client = createFhirClient({ url: `${own}/fhir`, requestTimeoutMs: 3000, maxBytes: MEGABYTE, authorize });
  await client.follow(`${trap.url}/fhir?page=2`, signal);
  await client.follow(`//user:pw@${new URL(trap.url).host}/fhir?page=3`, signal);
  expect(asked).toEqual(["/fhir?page=2 Bearer geheim", "/fhir?page=3 Bearer geheim"]);
  for (const outside of [`${trap.url}/elsewhere`, `${trap.url}/fhir/../admin`, "file:///etc/passwd", "http://"])
    await expect(client.follow(outside, signal)).rejects.toMatchObject({ code: "FHIR_RESPONSE" });
  expect(trap.requests).toEqual([]);
  await client.close();
});

test.each([
  ["gzip", gzipSync(Buffer.alloc(256 * MEGABYTE, " "))],
  ["gzip, gzip", gzipSync(gzipSync(Buffer.alloc(256 * MEGABYTE, " ")))],
  ["br", brotliCompressSync(Buffer.alloc(16 * MEGABYTE, " "))],
  ["gzip", gzipSync(`{"resourceType":"Bundle","a":[${"{},".repeat(1_000_000)}{}]}`)],
  ["gzip", Buffer.from("no gzip at all")],
])("a FHIR answer packed as %s that bursts, or is none, is refused without being unpacked", async (coding, bytes) => {
  const url = await serve((_request, response) =>
    response.writeHead(200, { "content-type": "application/fhir+json", "content-encoding": coding }).end(bytes),
  );
  const client = createFhirClient({ url, requestTimeoutMs: 5000, maxBytes: 8 * MEGABYTE });
  const before = process.memoryUsage().arrayBuffers;
  const thrown = await client.capability(signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(StudycastError);
  expect(["FHIR_RESPONSE", "FHIR_UNAVAILABLE"]).toContain((thrown as StudycastError).code);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MEGABYTE);
  await client.close();
});

test("a packed FHIR answer that is one is read", async () => {
  const url = await serve((request, response) => {
    expect(request.headers["accept-encoding"]).toBe("gzip");
    const body = gzipSync('{"resourceType":"CapabilityStatement"}');
    response.writeHead(200, { "content-type": "application/fhir+json", "content-encoding": "gzip" }).end(body);
  });
  const client = createFhirClient({ url, requestTimeoutMs: 5000, maxBytes: MEGABYTE });
  expect(await client.capability(signal)).toMatchObject({ resourceType: "CapabilityStatement" });
  await client.close();
});

test("a FHIR server whose every answer bursts, is endless, or is nested without end: the worker lives in little memory and goes on", async () => {
  const { fhir, worker, status } = await start();
  const bodies = [
    () => [gzipSync(Buffer.alloc(200 * MEGABYTE, " "))],
    () => Array.from({ length: 200 }, () => " ".repeat(MEGABYTE)),
    () => [`{"resourceType":"Bundle","type":"batch-response","entry":[${"{},".repeat(2 * MEGABYTE)}{}]}`],
    () => [`{"resourceType":"Bundle","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    () => [`{"resourceType":"Bundle","x":"${"é".repeat(3.9 * MEGABYTE)}"}`],
  ];
  let hostile = 0;
  const url = await serveFront(new URL(fhir.url).origin, (request, response) => {
    const body = request.method === "POST" ? bodies[hostile++] : undefined;
    if (body === undefined) return false;
    request.resume();
    const packed = hostile === 1 ? { "content-encoding": "gzip" } : {};
    response.writeHead(200, { "content-type": "application/fhir+json", ...packed });
    void pour(response, body());
    return true;
  });
  const running = worker({ ...AS_STARTED, FHIR_URL: `${url}/fhir` });
  await until("both", () => instancesByStudy(fhir).size === 2, {
    more: async () => `${JSON.stringify(await status())}${running.output()}`,
  });
  expect(hostile).toBeGreaterThanOrEqual(bodies.length);
  expect((await page(running, "/metrics")).text).toContain('"FHIR_RESPONSE"');
  expect((await status()).studies.failed).toBe(0);
  expectSmallMemory(running);
});

test("a token endpoint that redirects, or answers without end, gets the secret nowhere else and no memory", async () => {
  const { worker } = await start();
  const trap = await serveTrap();
  const oauth = { DICOM_AUTH: "oauth2", DICOM_CLIENT_ID: "c", DICOM_CLIENT_SECRET: "geheim" };
  const token = await serve((request, response) => {
    if (request.url === "/redirect") return response.writeHead(307, { location: trap.url }).end();
    response.writeHead(200, { "content-encoding": "gzip" });
    return void pour(response, [gzipSync(Buffer.alloc(200 * MEGABYTE, " "))]);
  });
  for (const path of ["/redirect", "/endless"]) {
    const running = worker({ ...AS_STARTED, ...oauth, DICOM_TOKEN_URL: token + path });
    await until("told", async () => (await page(running, "/readyz")).text.includes("AUTH_FAILED"), {
      more: running.output,
    });
    expectSmallMemory(running);
    expect(running.output()).not.toContain("geheim");
    await running.stop("SIGKILL");
  }
  expect(trap.requests).toEqual([]);
});

test("a credential in a URL, a password or a secret is printed nowhere: log, pages, commands, errors", async () => {
  const { redis, worker, command, options } = await start();
  await redis.redis.acl("SETUSER", "ops", "on", ">Geh3im-Redis", "~*", "&*", "+@all");
  const secret = {
    REDIS_URL: `unix://ops:Geh3im-Redis@${redis.socketPath}`,
    DICOM_AUTH: "basic",
    DICOM_USER: "reader",
    DICOM_PASSWORD: "Geh3im-Dicom",
    FHIR_AUTH: "basic",
    FHIR_USER: "writer",
    FHIR_PASSWORD: "Geh3im-Fhir",
    LOG_LEVEL: "debug",
  };
  const running = worker(secret);
  await until("started", async () => (await page(running, "/startupz")).status === 200, { more: running.output });
  const shown = [running.output()];
  for (const path of ["/", "/metrics", "/readyz", "/queues", "/queues/api/queues", "/nothing"])
    shown.push((await page(running, path)).text);
  for (const words of [["status", "--json"], ["checkpoint", "show"], ["rejected"]]) {
    const { stdout, stderr } = await command(words, secret);
    shown.push(stdout, stderr);
  }
  const inUrl = {
    DICOM_URL: options["DICOM_URL"]?.replace("//", "//u:Geh3im-Url@") ?? "",
    FHIR_URL: "http://u:Geh3im-Url@127.0.0.1:1/fhir",
  };
  const refused = await command(["start"], { ...inUrl, HTTP_PORT: "Geh3im" });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("without user and password")]);
  shown.push(refused.stderr.replace('"Geh3im"', ""), refused.stdout);
  const away = await command(["status"], { REDIS_URL: "redis://ops:Geh3im-Redis@127.0.0.1:1" });
  shown.push(away.stdout, away.stderr);
  expect(shown.join("\n")).not.toContain("Geh3im");
});
