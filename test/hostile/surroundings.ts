/** Servers that mean no good, certificates nobody trusts, and what a worker's memory came to. What is started here, `closeAll` ends. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@jest/globals";
import type { WorkerProcess } from "../support/worker-process.ts";

const closers: (() => void | Promise<void>)[] = [];

export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

async function listen(server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server of one's own making. */
export async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}`;
}

/** A server that keeps the requests it gets and answers them with 200 and nothing. */
export async function serveTrap(): Promise<{
  url: string;
  requests: { url: string; authorization: string | undefined }[];
}> {
  const requests: { url: string; authorization: string | undefined }[] = [];
  const url = await serve((request, response) => {
    requests.push({ url: request.url ?? "", authorization: request.headers.authorization });
    response.end("{}");
  });
  return { url, requests };
}

/** Stands before a server; `answer` returns true for the requests it answers itself. */
export async function serveFront(
  target: string,
  answer: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<string> {
  return serve((request, response) => {
    response.on("error", () => {});
    if (answer(request, response)) return;
    const { method, headers, url = "/" } = request;
    const forwarded = httpRequest(target + url, { method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    request.pipe(forwarded);
  });
}

/** Writes pieces, waiting for the other side to take them, until there are no more or it has gone. */
export async function pour(response: ServerResponse, pieces: Iterable<Buffer | string>): Promise<void> {
  let go = () => {};
  for (const event of ["drain", "close"]) response.on(event, () => go());
  for (const piece of pieces) {
    if (response.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    go = resolve;
    if (!response.write(piece)) await promise;
  }
  response.end();
}

/** Writes a piece now and then, for ever. */
export function drip(response: ServerResponse, piece: string, everyMs: number): void {
  const timer = setInterval(() => response.write(piece), everyMs);
  response.on("close", () => clearInterval(timer));
}

export type Certificate = { key: string; cert: string; certFile: string };

/** A self-signed certificate for this subject alternative name, such as `IP:127.0.0.1`. */
export function makeCertificate(subjectAltName: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "studycast-tls-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"];
  execFileSync(
    "openssl",
    [...words, "-addext", `subjectAltName=${subjectAltName}`, "-keyout", keyFile, "-out", certFile],
    {
      stdio: "ignore",
    },
  );
  return { key: readFileSync(keyFile, "utf8"), cert: readFileSync(certFile, "utf8"), certFile };
}

/** A TLS server that answers everything with 200 and `[]`; the headers of its requests are kept. */
export async function serveTls({ key, cert }: Certificate): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createTlsServer({ key, cert }, (request, response) => {
    requests.push(request.url ?? "");
    response.end("[]");
  });
  return { url: `https://127.0.0.1:${await listen(server)}`, requests };
}

/** How `npm start`, `studycast` and the image start Node. */
export const AS_STARTED = { NODE_OPTIONS: "--max-semi-space-size=8" };

/** The limit that every test here keeps, whatever is done to the worker. */
export const MEMORY_LIMIT_MB = 512;

/** The most resident memory the process has had so far, in megabytes (Linux proc(5), VmHWM); NaN where that is not to be had. */
export function peakMemoryMb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** Asserts that the worker lives, and that it never took more memory than it may. */
export function expectSmallMemory(worker: WorkerProcess): void {
  if (process.platform !== "linux") return;
  const peak = peakMemoryMb(worker.pid);
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(MEMORY_LIMIT_MB);
}
