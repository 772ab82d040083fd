import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Service } from "./context.ts";
import { type Control, runControl } from "./control.ts";
import { type RouteName, useFault } from "./faults.ts";
import { HttpError, reply } from "./http-reply.ts";
import { parseQuery } from "./http-request.ts";
import { defaultPartition } from "./memory-store.ts";
import { readBody } from "./route-store.ts";
import { matchRoute } from "./routes.ts";
import { isUid } from "./store-rules.ts";

export function createDicomServer(service: Service, control: Control): Server {
  const server = createServer((request, response) => {
    if (service.faults.dateOffsetMs !== 0)
      response.setHeader("Date", new Date(Date.now() + service.faults.dateOffsetMs).toUTCString());
    answer(service, control, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else if (error instanceof HttpError) reply(response, error.status, error.message);
      else reply(response, 500, "Internal server error.");
    });
  });
  server.keepAliveTimeout = 60_000;
  return server;
}

async function answer(
  service: Service,
  control: Control,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://emulator");
  const segments = url.pathname
    .split("/")
    .filter((segment) => segment !== "")
    .map(decodeSegment);
  const [first = "", ...rest] = segments;
  if (first === "control" && request.method === "POST") {
    const result = runControl(control, rest[0] ?? "", (await readBody(request)).toString("utf8"));
    return reply(response, 200, JSON.stringify(result ?? {}), "application/json; charset=utf-8");
  }
  if (url.pathname === "/health/check") return reply(response, 200, health, "application/json");
  const api = apiOf(first, response);
  if (!api) return;
  const query = parseQuery(url.search);
  const { partition, path } = splitPartition(rest);
  const match = matchRoute(request.method ?? "GET", path);
  if (match === "unknown") throw new HttpError(404);
  if (match === "method") throw new HttpError(405);
  authorize(service, request, response);
  if (await scriptedFault(service, match.route.name, response)) return;
  const { route, params } = match;
  for (const [name, value] of Object.entries(params))
    if (name !== "id" && !isUid(value)) throw new HttpError(400, `The ${name} instance UID is not valid.`);
  checkPartition(service, partition, route.place, route.name);
  const host = `http://${request.headers.host ?? "localhost"}/${first}`;
  await route.handle({
    ...service,
    ...{ request, response, query, api },
    params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value.trimEnd()])),
    partition: partition ?? defaultPartition,
    base: partition === undefined ? host : `${host}/partitions/${encodeURIComponent(partition)}`,
  });
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, "The URL is not valid.");
  }
}

const health = JSON.stringify({
  overallStatus: "Healthy",
  details: ["SqlServer", "MetadataHealthCheck", "DcmHealthCheck"].map((name) => ({
    name,
    status: "Healthy",
    description: "",
  })),
});

function apiOf(segment: string, response: ServerResponse): 1 | 2 | undefined {
  if (segment === "v1" || segment === "v1.0-prerelease") return 1;
  if (segment === "v2") return 2;
  if (!/^v\d/.test(segment)) throw new HttpError(404);
  const error = { code: "UnsupportedApiVersion", message: "The HTTP resource does not support the API version." };
  reply(response, 400, JSON.stringify({ error }), "application/json; charset=utf-8");
  return undefined;
}

/** `partitions/{name}/…` in front of a path; plain `partitions` is a path of its own. */
function splitPartition(segments: readonly string[]): { partition?: string; path: readonly string[] } {
  const [first, partition, ...path] = segments;
  return first === "partitions" && partition !== undefined ? { partition, path } : { path: segments };
}

/** The rules of contract §5. An unknown partition is 400, except for STOW-RS, which makes it. */
function checkPartition(
  service: Service,
  partition: string | undefined,
  place: "root" | "partition",
  name: RouteName,
): void {
  if (place === "root") {
    if (partition !== undefined) throw new HttpError(404);
    return;
  }
  if (!service.partitionsOn) {
    if (partition !== undefined) throw new HttpError(400, "Data partitions are not enabled.");
    return;
  }
  if (partition === undefined) throw new HttpError(400, "The partition name is missing.");
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(partition)) throw new HttpError(400, "The partition name is not valid.");
  if (name !== "store" && !service.backend.partitions().some((known) => known.name === partition))
    throw new HttpError(400, "The partition does not exist.");
}

function authorize({ faults }: Service, request: IncomingMessage, response: ServerResponse): void {
  if (!faults.auth) return;
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token !== undefined && faults.auth.forbidden?.includes(token)) throw new HttpError(403);
  if (token === faults.auth.token) return;
  const resource = "https://dicom.healthcareapis.azure.com";
  response.setHeader(
    "WWW-Authenticate",
    `Bearer authorization_uri="https://login.example.com/tenant", resource_id="${resource}"`,
  );
  throw new HttpError(401);
}

/** Delays and status faults of the route; true: the request is answered. */
async function scriptedFault({ faults }: Service, name: RouteName, response: ServerResponse): Promise<boolean> {
  const here = (fault: { route?: RouteName }) =>
    fault.route === undefined || fault.route === "any" || fault.route === name;
  const delay = useFault(faults.delays, here);
  if (delay) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay.ms);
      response.on("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (response.destroyed) return true;
  }
  const fault = useFault(faults.statuses, here);
  if (!fault) return false;
  if (fault.retryAfter !== undefined) response.setHeader("Retry-After", fault.retryAfter);
  reply(response, fault.status, fault.body ?? "");
  return true;
}
