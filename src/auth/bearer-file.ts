/** A token that somebody else keeps fresh in a file (Kubernetes, a sidecar): read again every second of use, so that a replaced one is seen at once. */
import { readFile } from "node:fs/promises";
import { StudycastError } from "../errors.ts";
import type { Token } from "./authorize.ts";

const REREAD_MS = 1000;

/** @throws StudycastError AUTH_FAILED when the file cannot be read or holds no token */
export async function readTokenFile(
  path: string,
  { service, now }: { service: string; now(): number },
): Promise<Token> {
  let text: string;
  try {
    text = (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw new StudycastError("AUTH_FAILED", { service, reason: "the token file cannot be read" }, { cause });
  }
  // RFC 6750 §2.1: b64token
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(text))
    throw new StudycastError("AUTH_FAILED", { service, reason: "the token file holds no token" });
  return { value: text, endsAtMs: now() + REREAD_MS };
}
