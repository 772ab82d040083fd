/** Passing one request on to the target and its answer back: streamed both ways, connections kept alive both ways. */
import {
  type Agent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";

export type Answer = { message: IncomingMessage; status: number; headers: OutgoingHttpHeaders };

/** Headers that belong to one connection, not to the request (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const REPEATABLE = new Set(["GET", "HEAD"]);

/** Sends `incoming` (with `body` in the place of what was already read of it) to the target; resolves at the answer's head. */
export function forward(
  target: URL,
  agent: Agent,
  incoming: IncomingMessage,
  path: string,
  body: Buffer | undefined,
  onBytes: (count: number) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: OutgoingHttpHeaders = {};
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (!HOP_BY_HOP.has(name) && value !== undefined) headers[name] = value;
    }
    const outgoing = httpRequest(
      { host: target.hostname, port: target.port, method: incoming.method, path, headers, agent, setHost: false },
      (message) => resolve({ message, status: message.statusCode ?? 502, headers: endToEnd(message) }),
    );
    outgoing.setNoDelay(true);
    outgoing.on("error", (error) => {
      // The target closed an idle connection at the moment it was used again: not a fault that the script asked for.
      if (
        outgoing.reusedSocket &&
        REPEATABLE.has(incoming.method ?? "") &&
        (error as { code?: string }).code === "ECONNRESET"
      ) {
        forward(target, agent, incoming, path, body, onBytes).then(resolve, reject);
      } else reject(error);
    });
    if (body !== undefined) {
      onBytes(body.length);
      outgoing.end(body);
      return;
    }
    incoming.on("data", (chunk: Buffer) => onBytes(chunk.length));
    incoming.on("aborted", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
}

function endToEnd(message: IncomingMessage): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(message.headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

/** Streams the answer to the client; resolves with the bytes sent when it has ended or the client has gone. */
export function passOn({ message, status, headers }: Answer, response: ServerResponse): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0;
    response.writeHead(status, headers);
    message.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    message.on("error", () => response.destroy());
    message.on("aborted", () => response.destroy());
    response.on("close", () => {
      if (!message.complete) message.destroy();
      resolve(bytes);
    });
    message.pipe(response);
  });
}

/** The whole body; for faults that change it. */
export async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Ends the connection with a TCP reset, as a crashed peer does. */
export function reset(response: ServerResponse): void {
  const { socket } = response;
  if (socket && !socket.destroyed) socket.resetAndDestroy();
}
