/**
 * One GET of a DICOM service: credential, deadlines, gzip, size cap, and the classes of failure every caller shares. It never waits and never retries,
 * except for the one more try with a new token after a 401. No text of the server and no URL gets into an error.
 */
import { pipeline, type Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";
import { type Dispatcher, request } from "undici";
import type { Authorize } from "./auth/index.ts";
import { type ErrorCode, isCertificateTrouble, StudycastError, toStudycastError } from "./errors.ts";
import { retryAfterMs } from "./time.ts";

/** The caller's code for each class of failure. */
export type FailureCodes = Readonly<
  Record<"unavailable" | "throttled" | "unauthorized" | "certificate" | "response", ErrorCode>
>;

export type GetOptions = {
  authorize?: Authorize | undefined;
  dispatcher?: Dispatcher | undefined;
  codes: FailureCodes;
  /** Until the headers have come; without `idleTimeoutMs` until the body has ended. */
  requestTimeoutMs: number;
  /** Longest pause inside the body, which may then take as long as `bodyTimeoutMs`. */
  idleTimeoutMs?: number | undefined;
  /** Until the body has ended, where `idleTimeoutMs` is given: one that drips for ever would hold its reader for ever. Undefined: no limit. */
  bodyTimeoutMs?: number | undefined;
};

export type Answer = {
  status: number;
  contentType: string;
  /** The server's clock (`Date` header), in milliseconds since the epoch; undefined when it sends none. */
  serverNowMs: number | undefined;
  retryAfterMs: number | undefined;
  /** The whole body, unzipped; `response` when it is over `maxBytes`. */
  bytes(maxBytes: number): Promise<Buffer>;
  /** The body, unzipped, piece by piece; a body that breaks off throws `unavailable` with the detail `body`. */
  chunks(): AsyncGenerator<Buffer, void>;
  /** Throws the body away; the connection is kept when that is cheap. */
  discard(): Promise<void>;
};

/**
 * Sends the GET and returns its answer, whatever 2xx, 3xx or 4xx it is, except the classified ones below. Its body must be taken or discarded.
 * @throws StudycastError `unavailable` (network, time, 408, 424, 5xx), `throttled` (429), `unauthorized` (401 also with a new token, 403), `certificate`,
 * ABORTED
 */
export async function get(url: string, accept: string, options: GetOptions, signal: AbortSignal): Promise<Answer> {
  let answer = await send(url, accept, options, signal);
  if (answer.status === 401 && options.authorize !== undefined) {
    await answer.discard();
    options.authorize.renew();
    answer = await send(url, accept, options, signal);
  }
  const code = failureCode(answer.status, options.codes);
  if (code === undefined) return answer;
  await answer.discard();
  throw new StudycastError(code, { status: answer.status }, { retryAfterMs: answer.retryAfterMs });
}

/** Azure answers 424 when its key vault or storage account cannot be reached: that passes by itself, like a 5xx. */
function failureCode(status: number, codes: FailureCodes): ErrorCode | undefined {
  if (status === 401 || status === 403) return codes.unauthorized;
  if (status === 429) return codes.throttled;
  return status >= 500 || status === 408 || status === 424 ? codes.unavailable : undefined;
}

async function send(url: string, accept: string, options: GetOptions, signal: AbortSignal): Promise<Answer> {
  const watch = startWatch(signal, options.requestTimeoutMs);
  try {
    const authorization = await options.authorize?.header(watch.signal);
    const { statusCode, headers, body } = await request(url, {
      method: "GET",
      headers: {
        accept,
        "accept-encoding": "gzip",
        "cache-control": "no-cache",
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal: watch.signal,
      // The watch below covers connecting too, and is exact to the millisecond.
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
    });
    const dateMs = Date.parse(String(headers["date"] ?? ""));
    const serverNowMs = Number.isNaN(dateMs) ? undefined : dateMs;
    const gzip = /^(x-)?gzip$/i.test(String(headers["content-encoding"] ?? "").trim());
    return {
      status: statusCode,
      contentType: String(headers["content-type"] ?? ""),
      serverNowMs,
      retryAfterMs: retryAfterMs(headers["retry-after"]?.toString(), serverNowMs ?? Date.now()),
      bytes: (maxBytes) => readAll(body, gzip, maxBytes, watch, options.codes, signal),
      chunks: () => readChunks(body, gzip, watch, options, signal),
      async discard() {
        await body.dump({ limit: 65_536 }).catch(() => undefined);
        watch.stop();
      },
    };
  } catch (thrown) {
    watch.stop();
    throw failure(thrown, options.codes, signal, "request");
  }
}

async function readAll(
  body: Readable,
  gzip: boolean,
  maxBytes: number,
  watch: Watch,
  codes: FailureCodes,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > maxBytes) throw new StudycastError(codes.response, { maxBytes });
      parts.push(part);
    }
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, size);
    return gzip && size > 0 ? gunzipSync(bytes, { maxOutputLength: maxBytes }) : bytes;
  } catch (thrown) {
    if (codeOf(thrown) === "ERR_BUFFER_TOO_LARGE") throw new StudycastError(codes.response, { maxBytes });
    throw failure(thrown, codes, signal, "body");
  } finally {
    watch.stop();
  }
}

async function* readChunks(
  body: Readable,
  gzip: boolean,
  watch: Watch,
  { idleTimeoutMs, bodyTimeoutMs = Number.POSITIVE_INFINITY, codes }: GetOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const stream: Readable = gzip ? pipeline(body, createGunzip(), () => undefined) : body;
  try {
    if (idleTimeoutMs !== undefined) watch.restart(idleTimeoutMs);
    const startedMs = performance.now();
    for await (const part of stream as AsyncIterable<Buffer>) {
      if (idleTimeoutMs !== undefined) watch.refresh();
      if (performance.now() - startedMs > bodyTimeoutMs)
        throw new StudycastError(codes.unavailable, { step: "body", kind: "timeout" });
      yield part;
    }
  } catch (thrown) {
    throw failure(thrown, codes, signal, "body");
  } finally {
    watch.stop();
    body.destroy();
  }
}

/** One abort signal per request out of the caller's signal and a timer; `AbortSignal.any` and `.timeout` would keep a timer for each request that has long ended. */
type Watch = { signal: AbortSignal; restart(ms: number): void; refresh(): void; stop(): void };

function startWatch(outer: AbortSignal, ms: number): Watch {
  const inner = new AbortController();
  const onAbort = () => inner.abort();
  if (outer.aborted) inner.abort();
  outer.addEventListener("abort", onAbort, { once: true });
  let timer = setTimeout(onAbort, ms);
  return {
    signal: inner.signal,
    restart(nextMs) {
      clearTimeout(timer);
      timer = setTimeout(onAbort, nextMs);
    },
    refresh: () => void timer.refresh(),
    stop() {
      clearTimeout(timer);
      outer.removeEventListener("abort", onAbort);
    },
  };
}

/** A watch that aborted although the caller did not is a time-out. */
function failure(thrown: unknown, codes: FailureCodes, signal: AbortSignal, step: "request" | "body"): StudycastError {
  if (signal.aborted) return new StudycastError("ABORTED", {}, { cause: thrown });
  if (thrown instanceof StudycastError) return thrown;
  const name = toStudycastError(thrown).code === "ABORTED" ? "timeout" : codeOf(thrown);
  const code = isCertificateTrouble(name) ? codes.certificate : codes.unavailable;
  return new StudycastError(code, { step, kind: name }, { cause: thrown });
}

/** Node's or undici's short name of the error, such as ECONNREFUSED; its message may hold an address. */
function codeOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return typeof thrown;
  if ("code" in thrown && typeof thrown.code === "string") return thrown.code;
  return "name" in thrown ? String(thrown.name) : "unknown";
}
