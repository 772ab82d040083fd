/** A feed of one's own making, for answers the emulator does not give: pages that fail by themselves, broken bodies, gzip. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type ScriptedFeed = {
  url: string;
  requests: string[];
  mostAtOnce(): number;
  close(): Promise<void>;
};

export type Handler = (window: { after: number; limit: number } | "latest", reply: ServerResponse) => void;

export async function startScriptedFeed(handle: Handler): Promise<ScriptedFeed> {
  const requests: string[] = [];
  let open = 0;
  let most = 0;
  const server = createServer((request: IncomingMessage, reply: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://feed");
    requests.push(`${url.pathname}${url.search}`);
    open++;
    most = Math.max(most, open);
    reply.once("close", () => open--);
    const [after, limit] = [Number(url.searchParams.get("offset")), Number(url.searchParams.get("limit"))];
    handle(url.pathname.endsWith("/latest") ? "latest" : { after, limit }, reply);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    mostAtOnce: () => most,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The row of a sequence, an hour old. */
export function row(sequence: number): Record<string, unknown> {
  return {
    sequence,
    partitionName: "Microsoft.Default",
    studyInstanceUid: "1.2.3",
    seriesInstanceUid: "1.2.3.1",
    sopInstanceUid: `1.2.3.1.${sequence}`,
    action: "Create",
    timestamp: new Date(Date.now() - 3_600_000).toISOString(),
    state: "Current",
  };
}

/** Answers as a feed of `count` rows would. */
export function answer(count: number, window: Parameters<Handler>[0], reply: ServerResponse): void {
  reply.setHeader("content-type", "application/json");
  if (window === "latest") return void reply.end(JSON.stringify(row(count)));
  const rows: unknown[] = [];
  for (let n = window.after + 1; n <= Math.min(count, window.after + window.limit); n++) rows.push(row(n));
  reply.end(JSON.stringify(rows));
}
