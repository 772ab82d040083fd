/** Stands between the workers and Redis and tells the seam of every command. One server connection for each client connection; replies come in order. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { MARK } from "../../src/state/mark-script.ts";
import { BEGIN, NOTE, SETTLE } from "../../src/state/settle-script.ts";
import { createSplitter, isPush, wordsOf } from "./resp.ts";
import type { Passage, Seam } from "./seam.ts";

export type Tap = { url: string; close(): Promise<void> };

/** Commands of the connection itself. */
const UNCOUNTED = new Set(["HELLO", "CLIENT", "INFO", "PING", "QUIT", "SELECT", "AUTH", "SCRIPT", "MULTI"]);

export async function startRedisTap(seam: Seam, redisSocket: string, path: string): Promise<Tap> {
  const label = createLabels();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(redisSocket);
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => {});
    }
    const awaited: Passage[] = [];
    const ends = () => {
      for (const passage of awaited.splice(0)) passage.dropped();
      client.destroy();
      target.destroy();
    };
    client.on("close", ends);
    target.on("close", ends);

    let cut = false;
    let inTransaction = false;
    const request = createSplitter((bytes) => {
      const [command = "", ...args] = wordsOf(bytes);
      const name = command.toUpperCase();
      if (name === "MULTI") inTransaction = true;
      else if (name === "EXEC") inTransaction = false;
      // Inside a transaction nothing happens before EXEC.
      const counted = !inTransaction && !UNCOUNTED.has(name);
      const passage = counted ? seam.begins(label(name, args)) : UNSEEN;
      cut ||= !passage.forward;
      if (cut) return;
      awaited.push(passage);
      target.write(bytes);
    });
    const reply = createSplitter((bytes) => {
      if (!isPush(bytes)) cut = !(awaited.shift()?.answered() ?? true) || cut;
      if (!cut) client.write(bytes);
    });
    client.on("data", request);
    target.on("data", reply);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    url: `unix://${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const UNSEEN: Passage = { forward: true, answered: () => true, dropped: () => {} };

/** `redis mark`, `redis moveToFinished`, `redis HGET checkpoint`: a script by its name, any other command with the kind of key it is for. */
function createLabels(): (name: string, args: readonly string[]) => string {
  const scripts = new Map([
    [MARK.sha, "mark"],
    [BEGIN.sha, "begin"],
    [NOTE.sha, "note"],
    [SETTLE.sha, "settle"],
    ...bullScripts(),
  ]);
  return (name, args) => {
    const [first = ""] = args;
    if (name === "EVALSHA" || name === "EVAL") {
      const sha = name === "EVAL" ? createHash("sha1").update(first).digest("hex") : first;
      return `redis ${scripts.get(sha) ?? `script ${keyKind(args[2] ?? "")}`}`;
    }
    if (name === "XREAD" || name === "EXEC") return `redis ${name}`;
    return `redis ${name} ${keyKind(first)}`;
  };
}

/** `studycast:{source}:s:<study>` is `s`, `studycast:{source}:queue:sync:<job>` is `queue`. */
const keyKind = (key: string): string => {
  const [, kind = "", , bull = ""] = key.slice(key.indexOf("}")).split(":");
  return kind === "queue" && /^[a-z]+$/.test(bull) ? `${kind} ${bull}` : kind;
};

function bullScripts(): [sha: string, name: string][] {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("bullmq")), "scripts");
  return readdirSync(folder).flatMap((file) => {
    if (!/-\d+\.js$/.test(file)) return [];
    const module = require(join(folder, file)) as Record<string, { name: string; content: string } | undefined>;
    return Object.values(module).flatMap((script) =>
      typeof script?.content === "string"
        ? [[createHash("sha1").update(script.content).digest("hex"), script.name] as [string, string]]
        : [],
    );
  });
}
