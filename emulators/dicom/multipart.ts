import { HttpError } from "./http-reply.ts";

export type Part = { readonly headers: Readonly<Record<string, string>>; readonly bytes: Uint8Array };

/** Splits a multipart body (RFC 2046 §5.1). Parts are views into `body`. 400 when no boundary is found or it never ends. */
export function splitMultipart(body: Buffer, boundary: string): Part[] {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = startOf(body, delimiter, 0);
  if (at < 0) throw new HttpError(400, "The multipart request has no boundary.");
  for (;;) {
    at += delimiter.length;
    if (body.subarray(at, at + 2).equals(Buffer.from("--"))) return parts;
    const headersStart = body.indexOf("\n", at) + 1;
    const next = startOf(body, delimiter, headersStart);
    if (headersStart === 0 || next < 0) throw new HttpError(400, "The multipart request ends too early.");
    parts.push(readPart(body.subarray(headersStart, next)));
    at = next;
  }
}

/** A delimiter counts at the start of a line only. */
function startOf(body: Buffer, delimiter: Buffer, from: number): number {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1))
    if (at === 0 || body[at - 1] === 0x0a) return at;
  return -1;
}

function readPart(raw: Buffer): Part {
  const headers: Record<string, string> = {};
  let at = 0;
  for (;;) {
    const end = raw.indexOf("\n", at);
    if (end < 0) throw new HttpError(400, "A part of the multipart request has no body.");
    const line = raw.subarray(at, end).toString("latin1").trim();
    at = end + 1;
    if (line === "") break;
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  // The line break before the next delimiter belongs to the delimiter.
  const stop = raw.length - (raw.at(-2) === 0x0d ? 2 : 1);
  return { headers, bytes: raw.subarray(at, Math.max(at, stop)) };
}
