/** What may be shown of an option's value. */
import type { Option } from "./option.ts";

/** A URL without its user, password and query; a text that is no URL but holds an `@` is not shown at all. Redis' lists of hosts are no WHATWG URLs. */
export function maskUrl(text: string): string {
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)([^?#]*)/i.exec(text);
  if (parts === null) return text.includes("@") ? "***" : text;
  const [, scheme = "", authority = "", path = ""] = parts;
  if (path.includes("@")) return `${scheme}***`; // a slash in a password that was not escaped
  const at = authority.lastIndexOf("@");
  return `${scheme}${at < 0 ? authority : `***@${authority.slice(at + 1)}`}${path}`;
}

/** The value as it may be printed: secrets never, URLs without credentials, long ones cut. */
export function maskValue(option: Option | undefined, raw: unknown): string {
  if (option?.secret) return "***";
  const text = typeof raw === "string" ? raw : (JSON.stringify(raw) ?? String(raw));
  const shown = /:\/\/|@/.test(text) && option?.kind !== "systems" && option?.kind !== "codes" ? maskUrl(text) : text;
  const cut = shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
  return cut.replace(/\p{Cc}/gu, " ");
}
