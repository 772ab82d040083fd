/**
 * The one adapter around fhir-kit-client. It classifies and never waits or tries again, except once after a 401 with a new token.
 *
 * fhir-kit-client's errors carry the URL (with identifiers), the body sent and the server's text; none of it leaves this file, not even as a cause.
 * It uses Node's built-in fetch, which takes dispatchers of an older undici: ours is wrapped (Dispatcher1Wrapper), an unwrapped one hangs.
 */
import { Client, type RequestOptions } from "fhir-kit-client";
import { Agent, type Dispatcher, Dispatcher1Wrapper } from "undici";
import type { Authorize } from "../auth/index.ts";
import { isCertificateTrouble, StudycastError } from "../errors.ts";
import { withDeadline } from "../time.ts";
import { boundedAnswers } from "./bounded-answer.ts";
import { type BatchEntry, type BundleEntry, type EntryAnswer, entryAnswers, type WriteEntry } from "./bundle.ts";
import { errorOfAnswer, isAbsent, waitAsked } from "./classify.ts";
import { isDeeperThan, isRecord, isResource, type Json, type Resource } from "./json.ts";

export type FhirClientOptions = {
  /** The server's base, such as https://host/fhir. */
  url: string;
  authorize?: Authorize | undefined;
  /** Replaces the client's own connections; it is not closed by `close`. */
  dispatcher?: Dispatcher | undefined;
  /** For one request in all, its answer read. */
  requestTimeoutMs: number;
  /** Largest answer taken, in bytes, unzipped. */
  maxBytes: number;
  /** Most connections at once. */
  connections?: number | undefined;
};

export type FhirClient = {
  /** One resource as it is now; undefined when it never was or was deleted. */
  read(type: string, id: string, signal: AbortSignal): Promise<Resource | undefined>;
  /** One page of a search; `query` is URL-encoded already. */
  search(type: string, query: string, signal: AbortSignal): Promise<Json>;
  /** The page a `next` link leads to; only ever on our own server. */
  follow(link: string, signal: AbortSignal): Promise<Json>;
  /** Reads in one round trip; the answers stand in the order of the entries, each with its own status. */
  batch(entries: readonly BatchEntry[], signal: AbortSignal): Promise<EntryAnswer[]>;
  /** All or nothing; refused here when the bundle is larger than `maxBytes`. */
  transaction(
    entries: readonly WriteEntry[],
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ answers: EntryAnswer[]; bytes: number }>;
  /** PUT by id; the status tells created (201) from updated (200). */
  put(resource: Resource & { id: string }, ifMatch: string | undefined, signal: AbortSignal): Promise<number>;
  /** DELETE by id; nothing there is fine. */
  delete(type: string, id: string, signal: AbortSignal): Promise<void>;
  /** The CapabilityStatement, or whatever stands at /metadata. */
  capability(signal: AbortSignal): Promise<Json>;
  close(): Promise<void>;
};

type Reply = { status: number; body: Json; headers: Headers };
type Send = (client: Client, options: RequestOptions) => Promise<unknown>;

/** HAPI answers an equal search from a cache for a minute unless asked not to. */
const FRESH = { "cache-control": "no-cache" };
/** Far more than any resource has; deeper ones would overflow the stack when they are compared and written. */
const MAX_LEVELS = 200;
/** Reason of a FHIR_RESPONSE. */
export const CUT_OFF = "cut off";
const MINIMAL = { prefer: "return=minimal" };

/**
 * A client for one FHIR R4 server. All methods throw StudycastError: FHIR_UNAVAILABLE, FHIR_THROTTLED (with retryAfterMs), FHIR_UNAUTHORIZED,
 * FHIR_CONFLICT, FHIR_REJECTED, FHIR_RESPONSE, or ABORTED when the caller's signal aborts.
 */
export function createFhirClient(options: FhirClientOptions): FhirClient {
  const base = options.url.replace(/\/+$/, "");
  const { authorize, requestTimeoutMs } = options;
  const own = options.dispatcher ? undefined : ownAgent(options);
  const connections = options.dispatcher ?? (own as Agent);
  const wrapped = new Dispatcher1Wrapper(connections.compose(boundedAnswers(options.maxBytes)));
  const client = new Client({
    baseUrl: base,
    // A redirect is an answer to show (a wrong FHIR_URL), not one to follow with a credential and a changed method.
    requestOptions: { dispatcher: wrapped, redirect: "manual" },
    requestSigner: async (_url, init) => {
      const value = await authorize?.header(init.signal ?? AbortSignal.timeout(requestTimeoutMs));
      if (value !== undefined && init.headers instanceof Headers) init.headers.set("authorization", value);
    },
  });

  const attempt = async (send: Send, headers: Record<string, string>, signal: AbortSignal): Promise<Reply> => {
    const both = withDeadline(signal, requestTimeoutMs);
    try {
      const body = await send(client, { headers, signal: both });
      return replyOf(body);
    } catch (thrown) {
      throw errorOf(thrown, signal);
    }
  };

  const request = async (send: Send, headers: Record<string, string>, signal: AbortSignal): Promise<Reply> => {
    try {
      return await attempt(send, headers, signal);
    } catch (error) {
      const refused = error instanceof StudycastError && error.detail["status"] === 401;
      if (!refused || authorize === undefined) throw error;
      authorize.renew();
      return attempt(send, headers, signal);
    }
  };

  const post = async (
    type: "batch" | "transaction",
    entry: readonly BundleEntry[],
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ answers: EntryAnswer[]; bytes: number }> => {
    // Made into text here, so that its size is known and it is made once.
    const text = JSON.stringify({ resourceType: "Bundle", type, entry });
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) throw new StudycastError("FHIR_REJECTED", { reason: "larger than the limit", bytes });
    const headers = {
      "content-type": "application/fhir+json",
      ...(type === "batch" ? FRESH : MINIMAL),
    };
    const send: Send = (c, o) => c.request("/", { method: "POST", body: text as never, options: o });
    const reply = await request(send, headers, signal);
    return { answers: entryAnswers(reply.body, entry.length, waitAsked(reply.headers)), bytes };
  };

  const get = async (path: string, signal: AbortSignal): Promise<Json> =>
    (await request((c, o) => c.request(path, { options: o }), FRESH, signal)).body;

  return {
    async read(type, id, signal) {
      try {
        const body = await get(`${type}/${id}`, signal);
        if (!isResource(body) || body.resourceType !== type) throw new StudycastError("FHIR_RESPONSE");
        return body;
      } catch (error) {
        if (isAbsentError(error)) return undefined;
        throw error;
      }
    },
    search: (type, query, signal) => get(`${type}?${query}`, signal),
    follow: async (link, signal) => get(onOurServer(link, base), signal),
    batch: async (entries, signal) => (await post("batch", entries, Number.POSITIVE_INFINITY, signal)).answers,
    transaction: (entries, maxBytes, signal) => post("transaction", entries, maxBytes, signal),
    async put(resource, ifMatch, signal) {
      const headers = { ...MINIMAL, ...(ifMatch === undefined ? {} : { "if-match": ifMatch }) };
      const { resourceType, id } = resource;
      const reply = await request(
        (c, o) => c.update({ resourceType, id, body: resource, options: o }),
        headers,
        signal,
      );
      return reply.status;
    },
    async delete(type, id, signal) {
      try {
        await request((c, o) => c.delete({ resourceType: type, id, options: o }), {}, signal);
      } catch (error) {
        if (!isAbsentError(error)) throw error;
      }
    },
    capability: async (signal) =>
      (await request((c, o) => c.capabilityStatement(o), { accept: "application/fhir+json" }, signal)).body,
    async close() {
      await own?.destroy();
    },
  };
}

function ownAgent(options: FhirClientOptions): Agent {
  return new Agent({
    connections: options.connections ?? 32,
    connect: { timeout: Math.min(10_000, options.requestTimeoutMs) },
    headersTimeout: options.requestTimeoutMs,
    bodyTimeout: options.requestTimeoutMs,
    maxResponseSize: options.maxBytes,
  });
}

/** fhir-kit-client hands back the parsed body with the Response hidden in it; an empty body is `{}`. */
function replyOf(body: unknown): Reply {
  if (!isRecord(body)) throw new StudycastError("FHIR_RESPONSE");
  const { response } = Client.httpFor(body as never);
  if (response === undefined) throw new StudycastError("FHIR_RESPONSE");
  if (isDeeperThan(body, MAX_LEVELS)) throw new StudycastError("FHIR_RESPONSE", { reason: "nested too deeply" });
  return { status: response.status, body, headers: response.headers };
}

/** The table of everything that may be thrown around a request. */
function errorOf(thrown: unknown, signal: AbortSignal): StudycastError {
  if (thrown instanceof StudycastError) return thrown;
  if (signal.aborted) return new StudycastError("ABORTED");
  const error = isRecord(thrown) ? thrown : {};
  const { response } = error;
  if (isRecord(response) && typeof response["status"] === "number") {
    // "Not there" is for the FHIR server to say; a gateway's 404 page says nothing about a resource.
    if (isAbsent(response["status"]) && typeof response["data"] === "string")
      return new StudycastError("FHIR_RESPONSE", { reason: "not JSON" });
    const config = isRecord(error["config"]) ? error["config"] : {};
    const headers = isHeaders(config["headers"]) ? config["headers"] : undefined;
    if (isHalfAnswer(response["status"], response["data"], headers))
      return new StudycastError("FHIR_RESPONSE", { status: response["status"], reason: CUT_OFF });
    return errorOfAnswer({ status: response["status"], outcome: response["data"], headers });
  }
  const reason = reasonOf(error);
  const ours = ourCause(error);
  if (ours !== undefined) return ours;
  if (reason === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return new StudycastError("FHIR_RESPONSE", { reason: "too large" });
  return new StudycastError(isCertificateTrouble(reason) ? "FHIR_CERTIFICATE" : "FHIR_UNAVAILABLE", { reason });
}

/** JSON by its own word that is none: a FHIR server's answer of which a part is missing, and no other server's page. */
function isHalfAnswer(status: number, data: unknown, headers: Headers | undefined): boolean {
  return status < 300 && typeof data === "string" && /\bjson\b/i.test(headers?.get("content-type") ?? "");
}

/** Why no answer came: `timeout`, or the error code of the innermost cause (ECONNREFUSED, UND_ERR_SOCKET, CERT_HAS_EXPIRED …); never a message. */
function reasonOf(error: Json): string {
  if (error["name"] === "TimeoutError") return "timeout";
  for (let at: unknown = error; isRecord(at); at = at["cause"]) {
    const { code } = at;
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return "network";
}

/** Our own error, which fetch has put into the cause of its own. */
function ourCause(error: Json): StudycastError | undefined {
  for (let at: unknown = error; isRecord(at); at = at["cause"]) if (at instanceof StudycastError) return at;
  return undefined;
}

function isHeaders(value: unknown): value is Headers {
  return typeof value === "object" && value !== null && "get" in value && typeof value.get === "function";
}

function isAbsentError(error: unknown): boolean {
  return error instanceof StudycastError && isAbsent(Number(error.detail["status"]));
}

/**
 * A paging link on the server we were given. Behind a proxy servers name themselves by another host; our credential goes nowhere but to our own, and
 * never outside its base.
 */
function onOurServer(link: string, base: string): string {
  if (!URL.canParse(link, `${base}/`)) throw new StudycastError("FHIR_RESPONSE", { reason: "next link" });
  const { pathname, search } = new URL(link, `${base}/`);
  const ours = new URL(base);
  const inside = `${pathname}/`.startsWith(`${ours.pathname.replace(/\/$/, "")}/`);
  if (!inside) throw new StudycastError("FHIR_RESPONSE", { reason: "next link" });
  return `${ours.origin}${pathname}${search}`;
}
