/** OAuth 2.0 client credentials (RFC 6749 §4.4) at a token URL. */
import type { AuthConfig } from "../config.ts";
import { isCertificateTrouble, StudycastError } from "../errors.ts";
import type { Token } from "./authorize.ts";

type ClientConfig = Extract<AuthConfig, { kind: "oauth2" }>;

/** RFC 6749 §5.2; only these may be shown, because a server is free to put anything there. */
const ERROR_CODES = [
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
];
/** §5.1 recommends `expires_in`; without it a token is used for so long. */
const LIFE_S = 300;
const MAX_TOKEN_LENGTH = 64 * 1024;
const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * Asks for a token: with HTTP Basic, which every server must take (§2.3.1), and when that is refused once more with the credential in the body.
 * @throws StudycastError AUTH_FAILED with status and error code
 */
export async function fetchClientToken(
  config: ClientConfig,
  service: string,
  signal: AbortSignal,
  now: () => number,
): Promise<Token> {
  const first = await ask(config, "header", service, signal);
  const answer = first.status === 400 || first.status === 401 ? await ask(config, "body", service, signal) : first;
  const { access_token: value, expires_in: life, error } = answer.body;
  if (answer.status !== 200) {
    const code = ERROR_CODES.find((known) => known === error);
    throw new StudycastError("AUTH_FAILED", { service, status: answer.status, ...(code ? { error: code } : {}) });
  }
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value) || value.length > MAX_TOKEN_LENGTH)
    throw new StudycastError("AUTH_FAILED", { service, reason: "the answer holds no token" });
  const seconds = Number(life);
  return { value, endsAtMs: now() + (seconds > 0 ? seconds : LIFE_S) * 1000 };
}

async function ask(
  { tokenUrl, clientId, clientSecret, scope }: ClientConfig,
  place: "header" | "body",
  service: string,
  signal: AbortSignal,
): Promise<{ status: number; body: Readonly<Record<string, unknown>> }> {
  const form = new URLSearchParams({ grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) });
  const headers = new Headers({ accept: "application/json" });
  if (place === "header") {
    const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    headers.set("authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
  } else {
    form.set("client_id", clientId);
    form.set("client_secret", clientSecret);
  }
  try {
    const response = await fetch(tokenUrl, { method: "POST", headers, body: form, signal, redirect: "error" });
    return { status: response.status, body: asRecord(await boundedText(response)) };
  } catch (cause) {
    const kind = causeCode(cause);
    const reason = isCertificateTrouble(kind)
      ? "the token URL's TLS certificate is not accepted"
      : "the token URL does not answer";
    throw new StudycastError("AUTH_FAILED", { service, reason, ...(kind === "" ? {} : { kind }) }, { cause });
  }
}

/** The body, unzipped, as far as the limit; what is longer is no token's answer. */
async function boundedText({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) return "";
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Node's code of the failed connection; fetch puts it into its error's cause. */
function causeCode(thrown: unknown): string {
  const cause = memberOf(thrown, "cause");
  const code = String(memberOf(cause, "code") ?? "");
  return /^[A-Z][A-Z0-9_]+$/.test(code) ? code : "";
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** application/x-www-form-urlencoded, as §2.3.1 asks for both halves of the Basic pair. */
function formEncoded(text: string): string {
  return new URLSearchParams({ t: text }).toString().slice(2);
}

function asRecord(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
