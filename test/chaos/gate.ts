/** A TCP gate between one client and a server: open, silent (a network that swallows packets) or closed (connections are reset). */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type GateTarget = { path: string } | { host: string; port: number };
export type Gate = {
  port: number;
  set(mode: "open" | "silent" | "closed"): void;
  /** Where new connections lead from now on; those that exist are reset. */
  lead(target: GateTarget): void;
  close(): Promise<void>;
};

export async function openGate(first: GateTarget): Promise<Gate> {
  let target = first;
  let mode: "open" | "silent" | "closed" = "open";
  const pairs = new Set<{ near: Socket; far: Socket | undefined }>();

  const server = createServer((near) => {
    if (mode === "closed") {
      near.resetAndDestroy();
      return;
    }
    const pair: { near: Socket; far: Socket | undefined } = { near, far: undefined };
    pairs.add(pair);
    near.setNoDelay(true);
    near.pause();
    near.on("error", () => {});
    near.on("close", () => {
      pairs.delete(pair);
      pair.far?.destroy();
    });
    if (mode === "open") join(pair);
  });

  function join(pair: { near: Socket; far: Socket | undefined }): void {
    const { near } = pair;
    const far = "path" in target ? connect(target.path) : connect(target.port, target.host);
    pair.far = far;
    far.setNoDelay(true);
    far.on("error", () => {});
    far.on("close", () => near.destroy());
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => near.write(chunk));
    near.resume();
  }
  const resetAll = () => {
    for (const { near } of pairs) near.resetAndDestroy();
  };

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      mode = next;
      if (mode === "closed") resetAll();
      for (const pair of pairs) {
        if (mode === "open" && pair.far === undefined) join(pair);
        for (const socket of [pair.near, pair.far]) mode === "open" ? socket?.resume() : socket?.pause();
      }
    },
    lead(next) {
      target = next;
      resetAll();
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const { near } of pairs) near.destroy();
      await closed;
    },
  };
}
