import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type FaultProxy, startFaultProxy } from "../../../emulators/fault-proxy/index.ts";

let server: Server;
let proxy: FaultProxy;
let served: { method: string; url: string; body: string }[];
let connections: number;

beforeEach(async () => {
  served = [];
  connections = 0;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      served.push({ method: request.method ?? "", url: request.url ?? "", body });
      const answer = JSON.stringify({ resourceType: "Patient", id: "a", filler: "x".repeat(20_000) });
      response.writeHead(200, { "content-type": "application/fhir+json", etag: 'W/"7"' });
      response.end(answer);
    });
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy = await startFaultProxy({ target: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir` });
});

afterEach(async () => {
  await proxy.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(proxy.url + path, init);
const post = (body: unknown): Promise<Response> =>
  get("", { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/fhir+json" } });
const PERSON = { resourceType: "Patient", identifier: [{ value: "MRN-77" }], name: [{ family: "Doe", given: ["Jo"] }] };

/** Error code at the bottom of a failed fetch (errors of fetch are of another realm in jest). */
async function failureOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
  } catch (error) {
    const { cause, name } = error as { cause?: { code?: string }; name: string };
    return cause?.code ?? name;
  }
  return "none";
}

describe("passing on", () => {
  test("keeps the path of the target, the status, the headers and the body", async () => {
    const response = await get("/Patient/a?x=1");
    expect(response.status).toBe(200);
    expect(response.headers.get("etag")).toBe('W/"7"');
    expect(((await response.json()) as { id: string }).id).toBe("a");
    expect(served).toEqual([{ method: "GET", url: "/fhir/Patient/a?x=1", body: "" }]);
  });

  test("keeps connections to the target alive", async () => {
    for (let i = 0; i < 20; i += 1) await (await get("/Patient/a")).text();
    expect(connections).toBe(1);
  });

  test("streams a body that no fault looks at and forwards it whole", async () => {
    const body = "z".repeat(3_000_000);
    await (await get("/Binary/b", { method: "PUT", body })).text();
    expect(served[0]?.body.length).toBe(body.length);
  });

  test("adds latency to every request without one waiting for another", async () => {
    proxy.setLatency(100);
    const started = performance.now();
    await Promise.all(Array.from({ length: 64 }, async () => (await get("/Patient/a")).text()));
    const took = performance.now() - started;
    expect(took).toBeGreaterThanOrEqual(99);
    expect(took).toBeLessThan(1500);
  });
});

describe("as a process", () => {
  test("says READY, stands before its target, is scripted over HTTP, ends when the pipe of its starter closes", async () => {
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`;
    const args = ["emulators/fault-proxy/main.ts", "--target", target, "--latency", "30", "--parent-pipe"];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const url = /^READY (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line.toString())?.[1];
    const started = performance.now();
    expect((await fetch(`${url}/fhir/Patient/a`)).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(29);
    const hold = [{ effect: { kind: "hold", name: "h", when: "before" } }];
    await fetch(`${url}/__faults`, { method: "POST", body: JSON.stringify(hold) });
    const waiting = fetch(`${url}/fhir/Patient/a`);
    const held = async (): Promise<number> =>
      ((await (await fetch(`${url}/__held?name=h`)).json()) as { held: number }).held;
    while ((await held()) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(served).toHaveLength(1);
    await fetch(`${url}/__release?name=h`, { method: "POST" });
    expect((await waiting).status).toBe(200);
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});

describe("faults", () => {
  test("answers with a status, Retry-After in seconds or as a date, only for the nth matching request", async () => {
    proxy.faults([
      { method: "GET", path: "/Patient/", nth: 2, effect: { kind: "status", status: 429, retryAfter: 7 } },
      { method: "GET", path: "/Patient/", nth: 3, effect: { kind: "status", status: 503, retryAfter: "date:30" } },
    ]);
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await get("/Patient/a"));
    expect(answers.map(({ status }) => status)).toEqual([200, 429, 200, 503]);
    expect(answers[1]?.headers.get("retry-after")).toBe("7");
  });

  test("fires from the nth request on, at most so many times, and by a seeded probability", async () => {
    proxy.faults([{ path: "/a", from: 2, times: 2, effect: { kind: "status", status: 500, body: "empty" } }]);
    const statuses = async (path: string, count: number): Promise<number[]> => {
      const found = [];
      for (let i = 0; i < count; i += 1) found.push((await get(path)).status);
      return found;
    };
    expect(await statuses("/a", 5)).toEqual([200, 500, 500, 200, 200]);
    const lottery = [{ probability: 0.5, seed: 3, effect: { kind: "status" as const, status: 500 } }];
    proxy.faults(lottery);
    const first = await statuses("/b", 20);
    proxy.faults(lottery);
    expect(await statuses("/b", 20)).toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 500]));
  });

  test("echoes the search URL, names and identifiers of the request in OperationOutcome and HTML", async () => {
    proxy.faults([
      { method: "POST", effect: { kind: "status", status: 422, code: "invalid" } },
      { method: "GET", effect: { kind: "status", status: 502, body: "html" } },
    ]);
    const outcome = await (await post({ resourceType: "Bundle", entry: [{ resource: PERSON }] })).text();
    expect(JSON.parse(outcome)).toMatchObject({ resourceType: "OperationOutcome", issue: [{ code: "invalid" }] });
    for (const part of ["MRN-77", "Doe", "Jo"]) expect(outcome).toContain(part);
    const page = await get("/Patient?identifier=urn:mrn|MRN-77");
    const html = await page.text();
    expect(page.headers.get("content-type")).toBe("text/html");
    expect(html).toContain("/fhir/Patient?identifier=");
    expect(html).toContain("urn:mrn|MRN-77");
  });

  test("resets before forwarding, so that nothing is written", async () => {
    proxy.faults([{ effect: { kind: "reset", when: "before" } }]);
    expect(await failureOf(get("/Patient/a", { method: "PUT", body: "{}" }))).not.toBe("none");
    expect(served).toHaveLength(0);
  });

  test("resets after the write has happened, so that only the answer is lost", async () => {
    proxy.faults([{ method: "PUT", nth: 1, effect: { kind: "reset", when: "after" } }]);
    expect(await failureOf(get("/Patient/a", { method: "PUT", body: "{}" }))).not.toBe("none");
    expect(served).toHaveLength(1);
  });

  test("resets in the middle of the body, after the head was sent", async () => {
    proxy.faults([{ effect: { kind: "reset", when: "body" } }]);
    const response = await get("/Patient/a");
    expect(response.status).toBe(200);
    expect(await failureOf(response.text())).not.toBe("none");
  });

  test("truncates JSON with a correct length", async () => {
    proxy.faults([{ effect: { kind: "truncate" } }]);
    const text = await (await get("/Patient/a")).text();
    expect(text.length).toBeGreaterThan(1000);
    expect(() => JSON.parse(text)).toThrow();
  });

  test("answers 200 with a login page", async () => {
    proxy.faults([{ effect: { kind: "html" } }]);
    const response = await get("/Patient/a");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html"]);
    expect(served).toHaveLength(0);
  });

  test("answers 401 until the token changes", async () => {
    proxy.faults([{ effect: { kind: "unauthorized" } }]);
    const as = async (token: string): Promise<number> =>
      (await get("/Patient/a", { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await as("old"), await as("old"), await as("new"), await as("old")]).toEqual([401, 401, 200, 401]);
  });

  test("delays and then forwards", async () => {
    proxy.faults([{ effect: { kind: "delay", ms: 80 } }]);
    const started = performance.now();
    expect((await get("/Patient/a")).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(79);
  });

  test("holds a request before forwarding, and another before answering, until released", async () => {
    proxy.faults([
      { path: "/one", effect: { kind: "hold", name: "first", when: "before" } },
      { path: "/two", effect: { kind: "hold", name: "second", when: "after" } },
    ]);
    const signal = AbortSignal.timeout(5000);
    const one = get("/one");
    const two = get("/two");
    await proxy.whenHeld("first", signal);
    await proxy.whenHeld("second", signal);
    expect(served.map(({ url }) => url)).toEqual(["/fhir/two"]);
    expect([proxy.held("first"), proxy.held("second")]).toEqual([1, 1]);
    proxy.release("first");
    expect((await one).status).toBe(200);
    proxy.clear();
    expect((await two).status).toBe(200);
  });
});

describe("counts", () => {
  test("counts requests and bytes per route with ids replaced", async () => {
    await (await get("/Patient/a")).text();
    await (await get("/Patient/b")).text();
    await (await get("/Patient?identifier=x")).text();
    await (await get("/Patient/a", { method: "PUT", body: "12345" })).text();
    const { routes, requests } = proxy.counts();
    expect(requests).toBe(4);
    expect(routes["GET /fhir/Patient/{id}"]).toMatchObject({ requests: 2, bytesIn: 0, statuses: { 200: 2 } });
    expect(routes["GET /fhir/Patient/{id}"]?.bytesOut).toBeGreaterThan(40_000);
    expect(routes["PUT /fhir/Patient/{id}"]).toMatchObject({ requests: 1, bytesIn: 5 });
    expect(routes["GET /fhir/Patient"]?.requests).toBe(1);
    proxy.resetCounts();
    expect(proxy.counts()).toMatchObject({ requests: 0, inFlight: 0, maxInFlightByStudy: {} });
  });

  test("knows the greatest number in flight per study, by path and by the entries of a transaction", async () => {
    proxy.setLatency(50);
    const write = (id: string): Promise<Response> => post({ entry: [{ request: { url: `ImagingStudy/${id}` } }] });
    const read = (uid: string): Promise<Response> => get(`/studies/${uid}/metadata`);
    await Promise.all([write("s1"), write("s1"), write("s2"), read("1.2.3")].map(async (one) => (await one).text()));
    expect(proxy.counts().maxInFlightByStudy).toEqual({ s1: 2, s2: 1, "1.2.3": 1 });
    expect(proxy.counts().maxInFlight).toBe(4);
  });

  test("can be scripted and read over HTTP", async () => {
    const control = `http://127.0.0.1:${proxy.port}`;
    const script = [{ effect: { kind: "status", status: 418 } }];
    await fetch(`${control}/__faults`, { method: "POST", body: JSON.stringify(script) });
    expect((await get("/Patient/a")).status).toBe(418);
    await fetch(`${control}/__clear`, { method: "POST" });
    expect((await get("/Patient/a")).status).toBe(200);
    const counts = (await (await fetch(`${control}/__counts`)).json()) as { requests: number };
    expect(counts.requests).toBe(2);
  });
});
