/** Stands between the workers and one HTTP service and tells the seam of every request. A request that is carried out is carried out wholly: its answer is read to the end. */
import { Agent, createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { routeOf } from "../../emulators/fault-proxy/counts.ts";
import type { Passage, Seam } from "./seam.ts";

export type HttpTap = {
  url: string;
  /** Answers the next requests with this label by this status instead of passing them on. */
  fail(label: string, status: number, times: number): void;
  close(): Promise<void>;
};

export async function startHttpTap(service: string, seam: Seam, targetUrl: string): Promise<HttpTap> {
  const target = new URL(targetUrl);
  const agent = new Agent({ keepAlive: false });
  let failing = { label: "", status: 0, left: 0 };
  const server = createServer((incoming, outgoing) => {
    let passage: Passage | undefined;
    pass().catch(() => {
      passage?.dropped();
      outgoing.destroy();
    });

    async function pass(): Promise<void> {
      const body = await bytesOf(incoming);
      const { method = "GET", url = "/" } = incoming;
      const label = `${service} ${labelOf(method, url, body)}`;
      passage = seam.begins(label);
      if (!passage.forward) return void outgoing.destroy();
      if (failing.left > 0 && failing.label === label) {
        failing.left--;
        if (!passage.answered()) return void outgoing.destroy();
        return void outgoing.writeHead(failing.status).end();
      }
      const answer = await ask(method, url, incoming, body);
      const content = await bytesOf(answer);
      if (!passage.answered()) return void outgoing.destroy();
      const { "transfer-encoding": _chunked, connection: _connection, ...headers } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, {
        ...headers,
        ...(content.length > 0 ? { "content-length": content.length } : {}),
      });
      outgoing.end(content);
    }
  });
  const ask = (method: string, path: string, { headers }: IncomingMessage, body: Buffer) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { "transfer-encoding": _chunked, connection: _connection, ...kept } = headers;
      const options = { host: target.hostname, port: target.port, method, path, agent, setHost: false };
      const length = body.length > 0 ? { "content-length": String(body.length) } : {};
      httpRequest({ ...options, headers: { ...kept, ...length } }, resolve)
        .on("error", reject)
        .end(body);
    });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${target.pathname.replace(/\/$/, "")}`,
    fail: (label, status, times) => {
      failing = { label, status, left: times };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A Bundle is named by its type and the resource types it is about. */
function labelOf(method: string, path: string, body: Buffer): string {
  if (method !== "POST" || body.length === 0) return routeOf(method, path);
  const bundle = JSON.parse(body.toString("utf8")) as { type?: string; entry?: { request?: { url?: string } }[] };
  const types = (bundle.entry ?? []).map(({ request }) => /^[A-Za-z]+/.exec(request?.url ?? "")?.[0] ?? "?");
  return `${bundle.type} of ${[...new Set(types)].join(", ")}`;
}
