import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { FastifyPluginCallback } from "fastify";
import { type HttpOptions, type HttpServer, type StatusSnapshot, startHttpServer } from "../../src/http/index.ts";
import { createMetrics } from "../../src/metrics.ts";
import { studyId } from "../../src/study.ts";

const started: HttpServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

const yes = () => ({ ok: true, reasons: [] });
const login = { user: "studycast", password: "pass:wörd" };
const authorization = `Basic ${Buffer.from("studycast:pass:wörd").toString("base64")}`;

async function start(options: Partial<HttpOptions> = {}): Promise<HttpServer> {
  const server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    login: undefined,
    metricsAccess: "open",
    probes: { startup: yes, live: yes, ready: yes },
    metrics: createMetrics({ process: false }).page,
    status: async () => undefined,
    ...options,
  });
  started.push(server);
  return server;
}

const snapshot: StatusSnapshot = {
  source: "<script>alert(1)</script>",
  at: "2026-01-01T00:01:00Z",
  worker: null,
  feed: { state: "following", code: null, latest: 12, scan: 10, ranges: [], rejectedEntries: 0 },
  studies: { pending: 1, pendingLow: 0, waiting: {}, failed: 1, withRejectedInstances: 0, oldestPendingSeconds: 60 },
  failed: [{ study: studyId("p", "1.2<b>"), code: "FHIR_REJECTED", hint: "", since: "2026-01-01T00:00:00Z" }],
  pending: [{ study: studyId("p", "1.2.3"), since: "2026-01-01T00:00:00Z" }],
  requests: [],
};

const dashboard: FastifyPluginCallback = (app, _options, done) => {
  app.get("/", async () => "board");
  app.put("/api/retry", async (request) => ({ got: request.body }));
  done();
};

describe("probes", () => {
  test("answer 200 or 503 with the reasons in words, as text or JSON", async () => {
    const ready = () => ({ ok: false, reasons: ["Redis does not answer."] });
    const { url } = await start({ probes: { startup: yes, live: yes, ready } });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const asText = await fetch(`${url}/readyz`);
    expect([asText.status, await asText.text()]).toEqual([503, "not ok\nRedis does not answer.\n"]);
    const asJson = await fetch(`${url}/readyz`, { headers: { accept: "application/json" } });
    expect(await asJson.json()).toEqual({ ok: false, reasons: ["Redis does not answer."] });
  });

  test("a probe that throws says no", async () => {
    const { url } = await start({
      probes: {
        startup: yes,
        live() {
          throw new Error("Doe^Jane");
        },
        ready: yes,
      },
    });
    const answer = await fetch(`${url}/livez`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain("Doe");
  });
});

describe("without Redis", () => {
  test("the status page and the dashboard say so with 503", async () => {
    const { url } = await start();
    for (const path of ["/", "/queues", "/queues/api/queues"]) {
      const answer = await fetch(url + path);
      expect([path, answer.status]).toEqual([path, 503]);
      expect(await answer.text()).toContain("not connected yet");
    }
  });
});

describe("status page", () => {
  test("escapes what it shows, loads nothing, and is not kept", async () => {
    const { url } = await start({ status: async () => snapshot });
    const answer = await fetch(`${url}/`);
    const html = await answer.text();
    expect(html).not.toMatch(/<script|<b>|<img|<link/);
    expect(html).toContain("1.2&#60;b&#62;");
    expect(html).toContain("FHIR_REJECTED");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("an error behind it is not shown", async () => {
    const status = async () => {
      throw new Error("redis://user:geheim@host");
    };
    const { url } = await start({ status });
    const answer = await fetch(`${url}/`);
    expect([answer.status, await answer.text()]).toEqual([500, "Something failed; see the log.\n"]);
  });
});

describe("password", () => {
  test("everything but the probes and /metrics needs it", async () => {
    const server = await start({ login, status: async () => snapshot });
    await server.mountDashboard(dashboard);
    const status = async (path: string, headers = {}) => (await fetch(server.url + path, { headers })).status;
    for (const path of ["/livez", "/readyz?x=1", "/startupz", "/metrics"])
      expect([path, await status(path)]).toEqual([path, 200]);
    for (const path of ["/", "/queues", "/queues/", "/queues/../", "/nothing", "//livez", "/livez/../queues"]) {
      expect([path, await status(path)]).toEqual([path, 401]);
    }
    expect(await status("/", { authorization })).toBe(200);
    expect(await status("/queues", { authorization })).toBe(200);
    for (const wrong of [
      "Basic",
      "Basic !!",
      "Bearer x",
      `Basic ${Buffer.from("studycast:").toString("base64")}`,
      `${authorization}x`,
    ]) {
      expect([wrong, await status("/", { authorization: wrong })]).toEqual([wrong, 401]);
    }
  });

  test("/metrics can be put behind it, or taken away", async () => {
    const behind = await start({ login, metricsAccess: "password" });
    expect((await fetch(`${behind.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${behind.url}/metrics`, { headers: { authorization } })).status).toBe(200);
    const off = await start({ metricsAccess: "off" });
    expect((await fetch(`${off.url}/metrics`)).status).toBe(404);
  });
});

describe("dashboard", () => {
  test("gets its requests with their bodies, and can be replaced", async () => {
    const server = await start();
    await server.mountDashboard(dashboard);
    expect(await (await fetch(`${server.url}/queues`)).text()).toBe("board");
    const put = await fetch(`${server.url}/queues/api/retry`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: '{"a":1}',
    });
    expect(await put.json()).toEqual({ got: { a: 1 } });
    await server.mountDashboard((app, _options, done) => {
      app.get("/", async () => "another");
      done();
    });
    expect(await (await fetch(`${server.url}/queues`)).text()).toBe("another");
  });

  test("refuses changes that another site makes the browser send", async () => {
    const server = await start();
    await server.mountDashboard(dashboard);
    const { host } = new URL(server.url);
    const put = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = httpRequest(`${server.url}/queues/api/retry`, { method: "PUT", headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        sent.on("error", reject).end();
      });
    expect(await put({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await put({ "sec-fetch-site": "same-site" })).toBe(403);
    expect(await put({ origin: "https://evil.example" })).toBe(403);
    expect(await put({ origin: "null" })).toBe(403);
    expect(await put({ "sec-fetch-site": "same-origin", origin: `http://${host}` })).toBe(200);
    expect(await put({ origin: `http://${host}` })).toBe(200);
    expect(await put({})).toBe(200);
  });
});

describe("the server itself", () => {
  test("a port that is taken is told as such", async () => {
    const { url } = await start();
    await expect(start({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: "HTTP_ADDRESS_IN_USE" });
    await expect(start({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "HTTP_ADDRESS_INVALID" });
  });

  test("closes although a client holds its connection open", async () => {
    const server = await start();
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    await server.close();
    started.pop();
    await closed;
  });

  test("a header without end is cut off", async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/livez`, { headers: { x: "a".repeat(20_000) } });
    expect(answer.status).toBe(431);
  });
});
