/** REDIS_URL in its parts. Pure. */
import { StudycastError } from "../errors.ts";

type Login = { username?: string; password?: string; db: number };
export type Tls = { ca?: string; insecure?: boolean };
export type RedisAddress = Login &
  (
    | { kind: "socket"; path: string }
    | { kind: "single"; host: string; port: number; tls?: Tls }
    | { kind: "cluster"; nodes: { host: string; port: number }[]; tls?: Tls }
    | { kind: "sentinel"; nodes: { host: string; port: number }[]; master: string; tls?: Tls }
  );

const PORTS = { single: 6379, cluster: 6379, sentinel: 26379 } as const;

/**
 * Reads `redis://[user:password@]host[:port][/db]`, `rediss://…` (TLS), `unix:///path` or `/path` (a socket), `redis+cluster://host:port,host:port`,
 * `redis+sentinel://host:port,host:port/<master>[/db]`; the last two also with `rediss+`. `tls` holds what a rediss address needs besides.
 * @throws StudycastError CONFIG_INVALID (never quoting the address, which may hold a password)
 */
export function parseRedisAddress(text: string, tls: Tls = {}): RedisAddress {
  if (text.startsWith("/")) return { kind: "socket", path: text, db: 0 };
  const match = /^(unix|rediss?(?:\+(cluster|sentinel))?):\/\/(?:([^@/]*)@)?([^/?]*)(\/[^?]*)?$/.exec(text);
  if (!match?.[1]) throw invalid();
  const [, scheme, many, login = "", hosts = "", path = ""] = match;
  if (scheme === "unix") return { kind: "socket", path: decode(path), db: 0, ...parseLogin(login) };

  const kind = many === "cluster" || many === "sentinel" ? many : "single";
  const nodes = hosts.split(",").map((host) => parseHost(host, PORTS[kind]));
  const parts = path.split("/").filter((part) => part !== "");
  const master = kind === "sentinel" ? parts.shift() : undefined;
  const db = Number(parts[0] ?? 0);
  const first = nodes[0];
  if (first === undefined || !Number.isInteger(db) || parts.length > 1) throw invalid();
  const common = { ...parseLogin(login), db, ...(scheme?.startsWith("rediss") ? { tls } : {}) };
  if (kind === "single") return { kind, ...first, ...common };
  if (kind === "cluster") return { kind, nodes, ...common };
  if (master === undefined) throw invalid();
  return { kind, nodes, master: decode(master), ...common };
}

/** Where the Redis is, for logs: host and port or socket path, no credential. */
export function describeRedisAddress(address: RedisAddress): string {
  if (address.kind === "socket") return address.path;
  if (address.kind === "single") return `${address.host}:${address.port}`;
  return address.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
}

function parseLogin(text: string): { username?: string; password?: string } {
  if (text === "") return {};
  const colon = text.indexOf(":");
  const username = decode(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? "" : decode(text.slice(colon + 1));
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  if (!match?.[1]) throw invalid();
  return { host: match[1].replace(/^\[|\]$/g, ""), port: Number(match[2] ?? defaultPort) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid();
  }
}

const invalid = () =>
  new StudycastError("CONFIG_INVALID", {
    option: "REDIS_URL",
    forms: "redis://host:6379, rediss://host:6380, unix:///path or /path, redis+cluster://…, redis+sentinel://…/master",
  });
