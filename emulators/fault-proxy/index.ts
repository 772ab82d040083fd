/**
 * One HTTP proxy that stands before any server and makes it fail as told. Requests never wait for each other: latency is a
 * timer per request, bodies are streamed unless a fault has to look at them.
 */
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Counts, createTally, routeOf, studiesIn } from "./counts.ts";
import { echoHtml, echoOutcome, personalParts } from "./echo.ts";
import { forward, passOn, readAll, reset } from "./forward.ts";
import { createHolds } from "./holds.ts";
import { armScript, type Effect, type Fault } from "./script.ts";

export type { Counts, RouteCount } from "./counts.ts";
export type { Effect, Fault } from "./script.ts";

export type FaultProxy = {
  /** The target's path is kept: the proxy of http://x/fhir is http://127.0.0.1:P/fhir. No trailing slash. */
  url: string;
  port: number;
  /** Replaces the script; counting of matching requests starts again. */
  faults(script: readonly Fault[]): void;
  /** No faults any more, and every held request goes on. */
  clear(): void;
  /** Lets the requests held under this name go on (all names when left out). */
  release(name?: string): void;
  /** Requests held now under this name. */
  held(name: string): number;
  /** Resolves when `count` (default 1) requests are held under this name. */
  whenHeld(name: string, signal: AbortSignal, count?: number): Promise<void>;
  counts(): Counts;
  resetCounts(): void;
  /** Milliseconds added to every request. */
  setLatency(ms: number): void;
  close(): Promise<void>;
};

export type FaultProxyOptions = { target: string; port?: number; host?: string; latencyMs?: number };

/** How much of a request body is looked at (for echoes, `body` patterns and studies). */
const KEPT_BODY = 64 * 1024;
const LOGIN_PAGE = "<!doctype html><html><body><h1>Sign in</h1></body></html>";

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = new URL(options.target);
  const { host = "127.0.0.1" } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
  const tally = createTally();
  const holds = createHolds();
  let script = armScript([]);
  let latencyMs = options.latencyMs ?? 0;

  const server = createServer({ noDelay: true }, (request, response) => {
    handle(request, response).catch(() => reset(response));
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    if (path.startsWith("/__")) return control(path, request, response);
    const { method = "GET" } = request;
    // Bundles carry their studies in the body; anything else is streamed unless a fault must see it. Files never matter.
    const type = request.headers["content-type"] ?? "";
    const looks = !type.startsWith("multipart/") && (script.needsBody || (method === "POST" && type.includes("json")));
    const hasBody = request.headers["content-length"] !== undefined || "transfer-encoding" in request.headers;
    const body = looks && hasBody ? await readAll(request) : undefined;
    const text = body?.subarray(0, KEPT_BODY).toString("utf8") ?? "";
    const finish = tally.begin(routeOf(method, path), studiesIn(path, body ? bundleText(body) : ""));
    let bytesIn = 0;
    const flow: Flow = { request, response, path, body, text, count: (bytes) => (bytesIn += bytes) };
    try {
      if (latencyMs > 0) await sleep(latencyMs);
      const effects = script.effects({ method, path, body: text, authorization: request.headers.authorization });
      const { status, bytes } = await carryOut(effects, flow);
      finish(status, bytesIn, bytes);
    } catch (error) {
      finish(0, bytesIn, 0);
      throw error;
    }
  }

  async function carryOut(effects: readonly Effect[], flow: Flow): Promise<{ status: number; bytes: number }> {
    const { request, response, path, body } = flow;
    for (const effect of effects) if (effect.kind === "delay") await sleep(effect.ms);
    const effect = effects.find(({ kind }) => kind !== "delay");
    if (effect?.kind === "hold" && effect.when === "before") await holds.wait(effect.name);
    if (effect?.kind === "reset" && effect.when === "before") {
      reset(response);
      return { status: 0, bytes: 0 };
    }
    const own = effect && ownAnswer(effect, flow);
    if (own) {
      if (body === undefined) request.resume();
      response.writeHead(own.status, own.headers);
      response.end(own.body);
      return { status: own.status, bytes: Buffer.byteLength(own.body) };
    }
    const answer = await forward(target, agent, request, path, body, flow.count);
    if (effect?.kind === "hold" && effect.when === "after") await holds.wait(effect.name);
    if (effect?.kind === "reset" || effect?.kind === "truncate") {
      const whole = await readAll(answer.message);
      if (effect.kind === "reset" && effect.when === "after") {
        reset(response);
        return { status: 0, bytes: 0 };
      }
      const part = whole.subarray(
        0,
        Math.floor(whole.length * (effect.kind === "truncate" ? (effect.share ?? 0.5) : 0.5)),
      );
      if (effect.kind === "truncate") {
        response.writeHead(answer.status, { ...answer.headers, "content-length": part.length });
        response.end(part);
      } else {
        response.writeHead(answer.status, { ...answer.headers, "content-length": whole.length });
        await new Promise<void>((resolve) => response.write(part, () => resolve()));
        // The part must have left before the reset, or the client sees no answer at all.
        await sleep(20);
        reset(response);
      }
      return { status: answer.status, bytes: part.length };
    }
    return { status: answer.status, bytes: await passOn(answer, response) };
  }

  async function control(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readAll(request)).toString("utf8");
    const { pathname, searchParams } = new URL(path, "http://localhost");
    const name = searchParams.get("name") ?? undefined;
    const actions: Record<string, () => unknown> = {
      "POST /__faults": () => proxy.faults(JSON.parse(body) as Fault[]),
      "POST /__clear": () => proxy.clear(),
      "POST /__release": () => proxy.release(name),
      "GET /__held": () => ({ held: proxy.held(name ?? "") }),
      "GET /__counts": () => tally.read(),
      "POST /__counts/reset": () => proxy.resetCounts(),
      "POST /__latency": () => proxy.setLatency(Number(searchParams.get("ms"))),
    };
    const action = actions[`${request.method} ${pathname}`];
    let status = 200;
    let answer: unknown;
    try {
      if (action) answer = action();
      else status = 404;
    } catch (error) {
      status = 400;
      answer = { error: String(error) };
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  server.keepAliveTimeout = 60_000;
  const { port } = server.address() as AddressInfo;
  const proxy: FaultProxy = {
    url: `http://${host}:${port}${target.pathname.replace(/\/$/, "")}`,
    port,
    faults: (faults) => {
      script = armScript(faults);
    },
    clear: () => {
      script = armScript([]);
      holds.release();
    },
    release: (name) => holds.release(name),
    held: (name) => holds.count(name),
    whenHeld: (name, signal, count = 1) => holds.reached(name, count, signal),
    counts: () => tally.read(),
    resetCounts: () => tally.reset(),
    setLatency: (ms) => {
      latencyMs = ms;
    },
    close: async () => {
      holds.release();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
  return proxy;
}

type Flow = {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  body: Buffer | undefined;
  text: string;
  count: (bytes: number) => void;
};
type OwnAnswer = { status: number; headers: Record<string, string>; body: string };

/** The answer of an effect that never reaches the server; undefined for the others. */
function ownAnswer(effect: Effect, { path, text, body }: Flow): OwnAnswer | undefined {
  const parts = (): string[] => personalParts(path, body && body.length <= 4_000_000 ? body.toString("utf8") : text);
  switch (effect.kind) {
    case "html":
      return { status: 200, headers: { "content-type": "text/html" }, body: LOGIN_PAGE };
    case "unauthorized": {
      const headers = { "content-type": "application/fhir+json", "www-authenticate": "Bearer" };
      return { status: 401, headers, body: echoOutcome("login", path, parts()) };
    }
    case "status": {
      const { status, retryAfter, body: form = "outcome", code = "exception" } = effect;
      const headers: Record<string, string> = {
        "content-type": form === "html" ? "text/html" : "application/fhir+json",
        ...(retryAfter === undefined ? {} : { "retry-after": retryAfterText(retryAfter) }),
      };
      if (form === "empty") return { status, headers, body: "" };
      return {
        status,
        headers,
        body: form === "html" ? echoHtml(status, path, parts()) : echoOutcome(code, path, parts()),
      };
    }
    default:
      return undefined;
  }
}

function retryAfterText(retryAfter: number | `date:${number}`): string {
  if (typeof retryAfter === "number") return String(retryAfter);
  return new Date(Date.now() + Number(retryAfter.slice("date:".length)) * 1000).toUTCString();
}

/** The parts of a body where a Bundle names what it is about: its start and its end (entries carry the request last). */
function bundleText(body: Buffer): string {
  if (body.length <= 2 * KEPT_BODY) return body.toString("latin1");
  return body.subarray(0, KEPT_BODY).toString("latin1") + body.subarray(-KEPT_BODY).toString("latin1");
}
