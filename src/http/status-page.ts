/** The status page: plain HTML that needs no script and loads nothing. Everything in it is escaped. */
import { createHash } from "node:crypto";
import { errorRow } from "../errors.ts";
import type { StatusSnapshot } from "./status.ts";
import { age, statusLines } from "./status-text.ts";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d8dee4;vertical-align:top}
code{font-size:.9em;overflow-wrap:anywhere}.bad{color:#a40e26;font-weight:600}small{color:#57606a}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:#30363d}.bad{color:#ff7b72}small{color:#9198a1}}`;

const styleHash = createHash("sha256").update(STYLE).digest("base64");

/** Headers of every answer that is not the dashboard's. */
export const PAGE_HEADERS = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** The page for a status; it loads itself again every ten seconds. */
export function statusPage(status: StatusSnapshot): string {
  const overview = statusLines(status).map(({ label, state, text, trouble }) =>
    row([escapeHtml(label), `<span${trouble ? ' class="bad"' : ""}>${escapeHtml(state)}</span>`, escapeHtml(text)]),
  );
  const failed = status.failed.map(({ study, code, since }) =>
    row([codeText(study), escapeHtml(code), escapeHtml(errorRow(code).hint), age(since, status.at)]),
  );
  const pending = status.pending.map(({ study, code, since }) =>
    row([codeText(study), escapeHtml(code ?? ""), age(since, status.at)]),
  );
  return page(`studycast ${status.source}`, [
    `<table>${overview.join("")}</table>`,
    ...section("Failed studies", ["study", "code", "what to do", "for"], failed),
    ...section("Longest pending", ["study", "waits for", "for"], pending),
    `<p><a href="queues">Queue dashboard</a> · <a href="metrics">Metrics</a> · <a href="readyz">Readiness</a></p>`,
    `<p><small>${escapeHtml(status.at)}</small></p>`,
  ]);
}

/** A page that says why there is no status. */
export function messagePage(title: string, message: string): string {
  return page(title, [`<p>${escapeHtml(message)}</p>`, `<p><a href="/readyz">Readiness</a></p>`]);
}

function section(title: string, heads: string[], rows: string[]): string[] {
  if (rows.length === 0) return [];
  const head = heads.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("");
  return [`<h2>${escapeHtml(title)}</h2><table><tr>${head}</tr>${rows.join("")}</table>`];
}

const row = (cells: string[]) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
const codeText = (text: string) => `<code>${escapeHtml(text)}</code>`;

function page(title: string, parts: string[]): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1>${parts.join("\n")}</body></html>`;
}
