/** The answers of the probes: yes, or no with reasons in words. */

export type Verdict = {
  ok: boolean /** Sentences for an operator; empty when all is well. */;
  reasons: readonly string[];
};

export type ProbeAnswer = { status: 200 | 503; type: string; body: string };

/** JSON for those who ask for it (`Accept`), else one reason per line. Kubernetes looks at the status only. */
export function probeAnswer(verdict: Verdict, accept: string | undefined): ProbeAnswer {
  const status = verdict.ok ? 200 : 503;
  if (accept?.includes("application/json"))
    return { status, type: "application/json", body: JSON.stringify({ ok: verdict.ok, reasons: verdict.reasons }) };
  const body = [verdict.ok ? "ok" : "not ok", ...verdict.reasons].join("\n");
  return { status, type: "text/plain; charset=utf-8", body: `${body}\n` };
}

/** Asks a probe; one that throws says no, because a probe that cannot tell is not a yes. */
export function ask(probe: () => Verdict): Verdict {
  try {
    return probe();
  } catch {
    return { ok: false, reasons: ["The check itself failed; see the log."] };
  }
}
