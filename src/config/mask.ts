/** What may be shown of an option's value. */
import type { Option } from "./option.ts";

/** A URL without its user and password; a text that is no URL but holds an `@` is not shown at all. */
export function maskUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.host === "") return text.includes("@") ? "***" : text;
  if (url.username === "" && url.password === "" && url.search === "") return text;
  url.search = "";
  const shown = url.href;
  const hidden = url.username !== "" || url.password !== "";
  return hidden ? shown.replace(/\/\/[^@/]*@/, "//***@") : shown;
}

/** The value as it may be printed: secrets never, URLs without credentials, long ones cut. */
export function maskValue(option: Option | undefined, raw: unknown): string {
  if (option?.secret) return "***";
  const text = typeof raw === "string" ? raw : (JSON.stringify(raw) ?? String(raw));
  const shown = /:\/\/|@/.test(text) && option?.kind !== "systems" ? maskUrl(text) : text;
  const cut = shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
  return cut.replace(/\p{Cc}/gu, " ");
}
