/** A status in lines of words: what the command prints and the page shows. */
import { errorRow } from "../errors.ts";
import type { StatusSnapshot } from "./status.ts";

/** One line of the overview: what it is about, its state in a word or two, and the facts. */
export type StatusLine = { label: string; state: string; text: string; trouble: boolean };

/** The overview: worker, feed, studies, services, requests. */
export function statusLines(status: StatusSnapshot): StatusLine[] {
  return [
    workerLine(status),
    feedLine(status),
    ...rangeLines(status),
    ...studyLines(status),
    ...pauseLines(status),
    ...requestLines(status),
  ];
}

/** The overview as aligned columns, with the failed studies and their hints below. */
export function statusText(status: StatusSnapshot): string {
  const rows = statusLines(status).map(({ label, state, text }) =>
    `${label.padEnd(9)} ${state.padEnd(13)} ${text}`.trimEnd(),
  );
  const failed = status.failed.map(({ study, code }) => `  ${study}  ${code}: ${errorRow(code).hint}`);
  const more = status.studies.failed - failed.length;
  const tail =
    failed.length > 0 ? ["", "failed studies", ...failed, ...(more > 0 ? [`  … and ${more} more`] : [])] : [];
  return `${[...rows, ...tail].join("\n")}\n`;
}

function workerLine({ worker, at }: StatusSnapshot): StatusLine {
  if (worker === null)
    return { label: "worker", state: "never ran", text: "start it with `studycast start`", trouble: true };
  const seen = `last seen ${age(worker.updatedAt, at)} ago, version ${worker.version}`;
  if (!worker.alive) return { label: "worker", state: "not running", text: seen, trouble: true };
  if (worker.ready.ok) return { label: "worker", state: "ready", text: `version ${worker.version}`, trouble: false };
  return { label: "worker", state: "not ready", text: worker.ready.reasons.join("; "), trouble: true };
}

function feedLine({ feed }: StatusSnapshot): StatusLine {
  const position = feed.scan === null ? "nothing read yet" : `sequence ${feed.scan} of ${feed.latest ?? "?"}`;
  const why = feed.code === null ? "" : `; ${feed.code}: ${errorRow(feed.code).message} ${errorRow(feed.code).hint}`;
  const trouble = feed.state === "degraded" || feed.state === "stopped" || feed.state === "backpressure";
  return { label: "feed", state: feed.state, text: position + why, trouble };
}

function rangeLines({ feed }: StatusSnapshot): StatusLine[] {
  const low = feed.ranges.filter((range) => range.priority === "low");
  const left = low.reduce((sum, { to, scan }) => sum + Math.max(0, (to ?? scan) - scan), 0);
  if (low.length === 0) return [];
  return [
    { label: "backfill", state: "reading", text: `${left} sequences left in ${low.length} range(s)`, trouble: false },
  ];
}

function studyLines({ studies, feed, at, pending }: StatusSnapshot): StatusLine[] {
  const waiting = Object.entries(studies.waiting).map(([code, count]) => `${code} ${count}`);
  const oldest = pending[0] === undefined ? "" : `oldest ${age(pending[0].since, at)}`;
  const facts = [`${studies.pendingLow} of low priority`, oldest, ...waiting].filter((fact) => fact !== "");
  const lines: StatusLine[] = [
    {
      label: "studies",
      state: `${studies.pending} pending`,
      text: studies.pending > 0 ? facts.join(", ") : "",
      trouble: false,
    },
    {
      label: "",
      state: `${studies.failed} failed`,
      text: studies.failed > 0 ? "see below; then `studycast retry`" : "",
      trouble: studies.failed > 0,
    },
  ];
  const rejected = [
    [studies.withRejectedInstances, "with rejected instances"],
    [feed.rejectedEntries, "rejected feed entries"],
  ].filter(([count]) => count !== 0);
  for (const [count, what] of rejected)
    lines.push({ label: "", state: `${count}`, text: `${what}; see \`studycast rejected\``, trouble: true });
  return lines;
}

function pauseLines({ worker }: StatusSnapshot): StatusLine[] {
  return (worker?.alive ? worker.pauses : []).map(({ service, code, until }) => ({
    label: service,
    state: "away",
    text: `${errorRow(code).message} Syncs wait until ${until}.`,
    trouble: true,
  }));
}

function requestLines({ requests }: StatusSnapshot): StatusLine[] {
  return requests
    .filter(({ state }) => state === "waiting" || state === "running")
    .map(({ id, command, state, done, total }) => ({
      label: "request",
      state,
      text: `${command.kind} ${done}${total === undefined ? "" : ` of ${total}`} (${id})`,
      trouble: false,
    }));
}

/** `3 s`, `5 min`, `2 h`, `4 d` between two ISO times. */
export function age(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}
