/**
 * One fastify server, up before Redis is. Open: the probes, and /metrics unless told otherwise. Behind the password: all the rest.
 *
 * The dashboard's plugin comes later, when there is a Redis, but fastify takes no routes once it listens: the dashboard is therefore a second
 * fastify without a port, put behind one route here, and replaceable.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type FastifyInstance,
  type FastifyPluginCallback,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from "fastify";
import { StudycastError } from "../errors.ts";
import { METRICS_CONTENT_TYPE } from "../metrics.ts";
import { isJsonOrEmpty, isLoggedIn, isOwnHost, isSameOrigin, type Login } from "./login.ts";
import { ask, probeAnswer, type Verdict } from "./probes.ts";
import type { StatusSnapshot } from "./status.ts";
import { messagePage, PAGE_HEADERS, statusPage } from "./status-page.ts";

export type HttpOptions = {
  host: string;
  /** 0 takes a free port. */
  port: number;
  login: Login | undefined;
  metricsAccess: "open" | "password" | "off";
  probes: { startup(): Verdict; live(): Verdict; ready(): Verdict };
  metrics(): Promise<string>;
  /** Undefined while there is no Redis to read it from. */
  status(): Promise<StatusSnapshot | undefined>;
};

export type HttpServer = {
  /** Where it listens, such as http://127.0.0.1:8080 */
  url: string;
  /** Puts a dashboard (bull-board's fastify plugin with its base path set to /queues) at /queues. */
  mountDashboard(plugin: FastifyPluginCallback): Promise<void>;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
};

const MAX_CONNECTIONS = 512;
const REALM = 'Basic realm="studycast", charset="UTF-8"';
export const DASHBOARD_PATH = "/queues";
/** bull-board's own scripts and nothing else; it sets styles by itself, and does without the fonts it would fetch elsewhere. */
const DASHBOARD_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/**
 * Starts the server.
 * @throws StudycastError HTTP_ADDRESS_IN_USE, HTTP_ADDRESS_INVALID
 */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  // Limits against clients that send slowly or without end; nothing here takes more than a few kilobytes.
  const app = fastify({
    bodyLimit: 64 * 1024,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 5000,
    forceCloseConnections: true,
    http: { headersTimeout: 5000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 1000 },
  });
  // Each connection costs a file descriptor, of which the connections to Redis and the services need some.
  app.server.maxConnections = MAX_CONNECTIONS;
  const dashboard: { app: FastifyInstance | undefined } = { app: undefined };
  app.addHook("onRequest", guard(options));
  app.setErrorHandler((_error, _request, reply) =>
    answer(reply, 500, "text/plain; charset=utf-8", "Something failed; see the log.\n"),
  );
  app.setNotFoundHandler((_request, reply) => answer(reply, 404, "text/plain; charset=utf-8", "Not found.\n"));
  addProbes(app, options.probes);
  if (options.metricsAccess !== "off")
    app.get("/metrics", async (_request, reply) => answer(reply, 200, METRICS_CONTENT_TYPE, await options.metrics()));
  app.get("/", async (_request, reply) => {
    const status = await options.status();
    const html = status === undefined ? messagePage("studycast", "Redis is not connected yet.") : statusPage(status);
    return answer(reply, status === undefined ? 503 : 200, "text/html; charset=utf-8", html);
  });
  addDashboard(app, dashboard);
  const url = await listen(app, options);
  return {
    url,
    async mountDashboard(plugin) {
      const next = await dashboardApp(plugin);
      await dashboard.app?.close();
      dashboard.app = next;
    },
    async close() {
      await app.close();
      await dashboard.app?.close();
    },
  };
}

function answer(reply: FastifyReply, status: number, type: string, body: string): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).header("content-type", type).send(body);
}

/** Password, host and same-origin checks in front of every route that is not open. */
function guard({ login, metricsAccess, host }: HttpOptions) {
  const open = new Set(["/startupz", "/livez", "/readyz", ...(metricsAccess === "open" ? ["/metrics"] : [])]);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if (open.has(request.url.split("?")[0] ?? "")) return undefined;
    if (login !== undefined && !isLoggedIn(request.headers.authorization, login)) {
      reply.header("www-authenticate", REALM);
      return answer(reply, 401, "text/plain; charset=utf-8", "A user and a password are needed.\n");
    }
    const refuse = (status: number, why: string) =>
      answer(reply, status, "text/plain; charset=utf-8", `Refused: ${why}.\n`);
    if (login === undefined && !isOwnHost(request.headers.host, host))
      return refuse(421, "without HTTP_PASSWORD only by an address or as localhost");
    if (!isSameOrigin(request)) return refuse(403, "the request comes from another site");
    if (!isJsonOrEmpty(request)) return refuse(415, "a change must be asked for in JSON");
    return undefined;
  };
}

function addProbes(app: FastifyInstance, probes: HttpOptions["probes"]): void {
  const routes = { "/startupz": probes.startup, "/livez": probes.live, "/readyz": probes.ready };
  for (const [path, probe] of Object.entries(routes)) {
    app.get(path, (request, reply) => {
      const { status, type, body } = probeAnswer(ask(probe), request.headers.accept);
      return answer(reply, status, type, body);
    });
  }
}

/** Hands requests below /queues to the dashboard, body unread; 503 until there is one. */
function addDashboard(app: FastifyInstance, dashboard: { app: FastifyInstance | undefined }): void {
  app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    const handle = (request: FastifyRequest, reply: FastifyReply) => {
      if (dashboard.app === undefined) {
        reply.header("retry-after", "5");
        return answer(
          reply,
          503,
          "text/html; charset=utf-8",
          messagePage("studycast", "The queue dashboard needs Redis, which is not connected yet."),
        );
      }
      reply.hijack();
      hand(dashboard.app, request.raw, reply.raw);
      return reply;
    };
    scope.all(DASHBOARD_PATH, handle);
    scope.all(`${DASHBOARD_PATH}/*`, handle);
    registered();
  });
}

function hand(app: FastifyInstance, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("x-frame-options", "DENY");
  response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("content-security-policy", DASHBOARD_POLICY);
  app.routing(request, response);
}

async function dashboardApp(plugin: FastifyPluginCallback): Promise<FastifyInstance> {
  const app = fastify({ bodyLimit: 64 * 1024 });
  app.register(plugin, { prefix: DASHBOARD_PATH });
  await app.ready();
  return app;
}

async function listen(app: FastifyInstance, { host, port }: HttpOptions): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
    throw new StudycastError(
      code === "EADDRINUSE" ? "HTTP_ADDRESS_IN_USE" : "HTTP_ADDRESS_INVALID",
      { host, port },
      { cause },
    );
  }
}
