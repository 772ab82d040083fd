/** Basic authentication (RFC 7617) and the guard against requests that another site makes the operator's browser send. */
import { createHash, timingSafeEqual } from "node:crypto";

export type Login = { user: string; password: string };

/** Whether an Authorization header holds this user and password. Digests of equal length, so that the time taken tells nothing. */
export function isLoggedIn(header: string | undefined, login: Login): boolean {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? "")?.[1] ?? "";
  const given = digest(Buffer.from(encoded, "base64").toString("utf8"));
  return timingSafeEqual(given, digest(`${login.user}:${login.password}`));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

export type GuardedRequest = { method: string; headers: Readonly<Record<string, string | string[] | undefined>> };

/**
 * Whether a request that may change something comes from our own pages or from a program, and not from another site's page: the browser adds the
 * password by itself, so only the origin can tell. `Sec-Fetch-Site` where the browser sends it, else `Origin` against `Host`;
 * a request with neither was not made by a browser (OWASP, Cross-Site Request Forgery Prevention, "Fetch Metadata").
 */
export function isSameOrigin({ method, headers }: GuardedRequest): boolean {
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return true;
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none";
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return typeof origin === "string" && URL.parse(origin)?.host === host;
}

/**
 * Whether the request names this server by an address or as localhost. Without a password any page could otherwise have its own name resolve to
 * 127.0.0.1 and read what we answer (DNS rebinding); an address in the Host header cannot be had that way.
 */
export function isOwnHost(hostHeader: string | undefined, host: string): boolean {
  const name = URL.parse(`http://${hostHeader ?? ""}`)?.hostname.toLowerCase() ?? "";
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === host.toLowerCase() ||
    name.startsWith("[") ||
    /^\d{1,3}(\.\d{1,3}){3}$/.test(name)
  );
}

/**
 * Whether a request that may change something has no body, or JSON. A form of another site can send other types without being asked by the browser
 * first, and older browsers name no origin then.
 */
export function isJsonOrEmpty({ method, headers }: GuardedRequest): boolean {
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return true;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  const type = headers["content-type"];
  return typeof type === "string" ? /^application\/json\s*(;|$)/i.test(type) : !hasBody;
}
