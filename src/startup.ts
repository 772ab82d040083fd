/**
 * What must be true before the first entry is read. Each check ends well, or throws a StudycastError: a permanent one ends the process with its
 * sentence, a transient one is tried again for as long as it takes, while the probes say what is waited for.
 */
import { type ErrorCode, errorRow, StudycastError, toStudycastError } from "./errors.ts";
import { errorFields, type Log } from "./log.ts";
import type { Request } from "./request.ts";
import { backoffMs, sleep } from "./time.ts";

export type Check = { step: string; run(signal: AbortSignal): Promise<void> };

export type CheckOptions = {
  log: Log;
  capMs: number;
  random(): number;
  /** What is waited for at the moment, in words; undefined when nothing is. */
  onWaiting(reason: string | undefined): void;
  /** A check has failed and will be tried again. */
  onError(code: ErrorCode): void;
};

/** Runs the checks in order; returns early, without an error, when the signal aborts. */
export async function runChecks(checks: readonly Check[], options: CheckOptions, signal: AbortSignal): Promise<void> {
  for (const check of checks) await runCheck(check, options, signal);
}

async function runCheck(
  check: Check,
  { log, capMs, random, onWaiting, onError }: CheckOptions,
  signal: AbortSignal,
): Promise<void> {
  let told = "";
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await check.run(signal);
      onWaiting(undefined);
      if (told !== "") log.info("start goes on", { step: check.step });
      return;
    } catch (thrown) {
      const error = toStudycastError(thrown);
      if (signal.aborted || errorRow(error.code).class === "permanent") throw error;
      const retryInMs = Math.max(backoffMs(attempt, 1000, capMs, random), Math.min(error.retryAfterMs ?? 0, capMs));
      onWaiting(`${check.step}: ${error.message}`);
      onError(error.code);
      if (error.code !== told) log.warn("start waits", { step: check.step, retryInMs, ...errorFields(error) });
      told = error.code;
      await sleep(retryInMs, signal);
    }
  }
}

/** Options that decide which resource is whose; stored beside the state and compared at each start. */
export type Identity = Readonly<Record<string, string>>;

/** What decides how resources are written, but not whose they are: the start judges it, no person accepts it. */
export const REWRITING: readonly string[] = ["MAPPING_VERSION", "FHIR_VERSION"];

type Stamped = { kind: "new" | "same" } | { kind: "changed"; names: readonly string[] };

/** What the check needs of the state. */
type IdentityStore = {
  stamp(identity: Identity): Promise<Stamped>;
  restamp(identity: Identity): Promise<void>;
  addRequest(request: Request): Promise<string>;
};

/**
 * Compares with what the state was written with. Another version of the mapping or of FHIR gives other resources for the same studies: all of them are
 * synced once more, at low priority; the request is stored before the new version is, so that a crash between the two does not lose it.
 * @throws StudycastError STATE_LAYOUT, STATE_SOURCE or STATE_IDENTITY, naming the options that differ
 */
export async function checkIdentity(identity: Identity, state: IdentityStore, log: Log): Promise<void> {
  const stamp = await state.stamp(identity);
  if (stamp.kind !== "changed") return;
  const { names } = stamp;
  if (names.every((name) => REWRITING.includes(name))) {
    const request = await state.addRequest({ kind: "changed", sinceMs: 0, confirmDeletes: false });
    await state.restamp(identity);
    log.info("resources are written in another way now: every study is synced again", {
      request,
      detail: names.join(", "),
    });
    return;
  }
  if (names.includes("layout")) throw new StudycastError("STATE_LAYOUT");
  if (names.includes("DICOM_URL")) throw new StudycastError("STATE_SOURCE", { options: names });
  throw new StudycastError("STATE_IDENTITY", { options: names });
}
