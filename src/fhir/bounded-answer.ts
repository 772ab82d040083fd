/**
 * Answers of a bounded size, whatever they are packed in: Node's fetch unzips without a limit, so that a few kilobytes could fill the memory. Here a
 * packed answer is collected (its packed size is bounded by the Agent), unpacked up to the limit, and handed to fetch as if it had never been packed.
 */
import { gunzip } from "node:zlib";
import type { Dispatcher } from "undici";
import { StudycastError } from "../errors.ts";
import { countParts, MAX_PARTS } from "../json-weight.ts";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

/**
 * A composer for undici's `compose`: asks for gzip, unpacks it.
 * Larger answers, and other content codings than gzip, end the request with FHIR_RESPONSE.
 */
export function boundedAnswers(maxBytes: number): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch({ ...options, ...askingForGzip(options.headers) }, unpacking(handler, maxBytes));
}

/** undici takes headers as a flat list or as a record; fetch gives it a record. */
function askingForGzip(headers: Dispatcher.DispatchOptions["headers"]): Pick<Dispatcher.DispatchOptions, "headers"> {
  if (typeof headers !== "object" || headers === null || Symbol.iterator in headers) return {};
  return { headers: { ...headers, "accept-encoding": "gzip" } };
}

/** Hands everything on but a packed body, which it hands on in one piece. */
function unpacking(handler: Handler, maxBytes: number): Handler {
  let packed: Buffer[] | undefined;
  let size = 0;
  let parts = 0;
  const end = (controller: Controller, code: StudycastError) => controller.abort(code);
  return {
    onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
    onRequestUpgrade: (...told) => handler.onRequestUpgrade?.(...told),
    onResponseStart(controller, status, headers, message) {
      const coding = String(headers["content-encoding"] ?? "")
        .trim()
        .toLowerCase();
      if (coding === "" || coding === "identity" || status < 200 || status === 204 || status === 304)
        return handler.onResponseStart?.(controller, status, headers, message);
      if (coding !== "gzip" && coding !== "x-gzip")
        return end(controller, new StudycastError("FHIR_RESPONSE", { reason: "content coding" }));
      packed = [];
      const { "content-encoding": _coding, "content-length": _length, ...rest } = headers;
      withoutRaw(controller);
      handler.onResponseStart?.(controller, status, rest, message);
    },
    onResponseData(controller, chunk) {
      size += chunk.length;
      if (packed === undefined) parts += countParts(chunk);
      if (size > maxBytes || parts > MAX_PARTS) end(controller, tooLarge(maxBytes));
      else if (packed !== undefined) packed.push(chunk);
      else handler.onResponseData?.(controller, chunk);
    },
    onResponseEnd(controller, trailers) {
      if (packed === undefined) return handler.onResponseEnd?.(controller, trailers);
      gunzip(Buffer.concat(packed), { maxOutputLength: maxBytes }, (error, bytes) => {
        if (error !== null)
          return handler.onResponseError?.(controller, isTooLarge(error) ? tooLarge(maxBytes) : error);
        if (countParts(bytes) > MAX_PARTS) return handler.onResponseError?.(controller, tooLarge(maxBytes));
        if (bytes.length > 0) handler.onResponseData?.(controller, bytes);
        handler.onResponseEnd?.(controller, trailers);
      });
    },
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
  };
}

const tooLarge = (maxBytes: number) => new StudycastError("FHIR_RESPONSE", { reason: "too large", maxBytes });
const isTooLarge = (error: NodeJS.ErrnoException) => error.code === "ERR_BUFFER_TOO_LARGE";

/** What fetch reads of the headers is this list of names and values in turn. */
function withoutRaw({ rawHeaders }: Controller): void {
  if (!Array.isArray(rawHeaders)) return;
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2)
    if (/^content-(encoding|length)$/i.test(String(rawHeaders[at]))) rawHeaders.splice(at, 2);
}
