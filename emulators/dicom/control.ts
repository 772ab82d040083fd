import type { ClockScript } from "./clock.ts";
import { type BadBlob, type BrokenRead, type Delay, type Faults, noFaults, type StatusFault } from "./faults.ts";
import { HttpError } from "./http-reply.ts";
import type { MemoryStore } from "./memory-store.ts";

/**
 * What scripts can do to the service; the same functions in-process and over `POST /control/<name>` (one JSON object each).
 * Those that change the store throw on a read-only (synthetic) backend.
 */
export type Control = {
  /** The next `writes` writes draw sequence and Timestamp now and are committed by `release`. */
  hold(o?: { writes?: number }): void;
  /** Commits held writes, oldest first; all by default. */
  release(o?: { count?: number }): { released: number };
  /** Rolls held writes back: their sequences are permanent holes. */
  rollBack(): { rolledBack: number };
  /** Leaves `size` sequences out for ever. */
  gap(o: { size: number }): void;
  /** Shifts or stops the clock of the database; ages the Timestamp of creates. */
  clock(o: ClockScript): void;
  /** Appends a row with any JSON members; those named in `omit` are left out. */
  appendRow(o: {
    members: Record<string, unknown>;
    omit?: readonly string[];
    study?: string;
    series?: string;
    instance?: string;
  }): {
    sequence: number;
  };
  /** Back to the state at `toSequence` (default 0: a new, empty service). */
  reset(o?: { toSequence?: number }): void;
  badBlob(o: BadBlob): void;
  breakStudyRead(o: BrokenRead): void;
  delay(o: Delay): void;
  status(o: StatusFault): void;
  /** Requires this bearer token; no token switches authentication off. */
  auth(o: { token?: string | null; forbidden?: readonly string[] }): void;
  casing(o: { documented: boolean }): void;
  /** Moves the Date header against real time. */
  date(o: { offsetMs: number }): void;
  /** Another order of instances in study and series metadata per seed; null is newest first again. */
  shuffle(o: { seed: number | null }): void;
  operations(o: { ms: number }): void;
  /** Ends all faults of the HTTP layer; the store, its clock and held writes stay. */
  clearFaults(): void;
};

export function createControl(faults: Faults, store: MemoryStore | undefined): Control {
  function writable(): MemoryStore {
    if (!store) throw new HttpError(409, "This store is read-only.");
    return store;
  }
  return {
    hold: (o = {}) => writable().hold(o.writes ?? 1),
    release: (o = {}) => ({ released: writable().release(o.count) }),
    rollBack: () => ({ rolledBack: writable().rollBack() }),
    gap: ({ size }) => writable().gap(whole(size, "size")),
    clock: (o) => writable().clock.set(o),
    appendRow({ members, omit = [], ...identity }) {
      const omitted = Object.fromEntries(omit.map((name) => [name, undefined]));
      return { sequence: writable().appendRow({ overrides: { ...members, ...omitted }, ...identity }) };
    },
    reset: (o = {}) => writable().reset(o.toSequence ?? 0),
    badBlob: (o) => void faults.badBlobs.push({ ...o }),
    breakStudyRead: (o) => void faults.brokenReads.push({ ...o }),
    delay: (o) => void faults.delays.push({ ...o }),
    status: (o) => void faults.statuses.push({ ...o }),
    auth({ token, forbidden }) {
      faults.auth = token === undefined || token === null ? undefined : { token, ...(forbidden && { forbidden }) };
    },
    casing({ documented }) {
      faults.documentedCasing = documented;
    },
    date({ offsetMs }) {
      faults.dateOffsetMs = offsetMs;
    },
    shuffle({ seed }) {
      faults.shuffleSeed = seed ?? undefined;
    },
    operations({ ms }) {
      faults.operationMs = ms;
    },
    clearFaults: () => void Object.assign(faults, noFaults()),
  };
}

function whole(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new HttpError(400, `${name}: a whole number is needed.`);
  return value;
}

/** Runs one control action from its JSON text; 404 for an unknown action, 400 for a body that is no JSON object. */
export function runControl(control: Control, action: string, body: string): unknown {
  if (!Object.hasOwn(control, action))
    throw new HttpError(404, `No such action. Known: ${Object.keys(control).join(", ")}`);
  const run = control[action as keyof Control] as (o: unknown) => unknown;
  try {
    return run(body.trim() === "" ? {} : (JSON.parse(body) as unknown));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, Error.isError(error) ? error.message : "The action failed.");
  }
}
