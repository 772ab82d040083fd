/**
 * Scripted faults of the HTTP layer. They are data, set over the control endpoint, and work on every backend. Each list is
 * searched in order; a fault with `times` ends after so many uses.
 */

export const routeNames = [
  "feed",
  "latest",
  "metadata",
  "files",
  "query",
  "store",
  "delete",
  "update",
  "operations",
  "partitions",
  "any",
] as const;
export type RouteName = (typeof routeNames)[number];

/** `unparsable`: the metadata blob does not parse (503). `gone`: it vanished between two reads (500). */
export type BadBlob = { study: string; series?: string; instance?: string; kind?: "unparsable" | "gone" };
export type BrokenRead = { study: string; afterInstances: number; times?: number };
export type Delay = { route?: RouteName; ms: number; times?: number };
export type StatusFault = { route?: RouteName; status: number; retryAfter?: string; body?: string; times?: number };

export type Faults = {
  badBlobs: BadBlob[];
  brokenReads: BrokenRead[];
  delays: Delay[];
  statuses: StatusFault[];
  /** Bearer token that every request needs; `forbidden` tokens get 403. */
  auth: { token: string; forbidden?: readonly string[] } | undefined;
  /** The casing the documentation shows instead of the real one (contract §1.3). */
  documentedCasing: boolean;
  /** The Date header is this much ahead of real time: the web host's clock is not the database's. */
  dateOffsetMs: number;
  /** Metadata of a study or series comes in another order for every seed: the service defines none (contract §4.1). */
  shuffleSeed: number | undefined;
  /** How long a bulk update stays queued and running. */
  operationMs: number;
};

export function noFaults(): Faults {
  return {
    badBlobs: [],
    brokenReads: [],
    delays: [],
    statuses: [],
    auth: undefined,
    documentedCasing: false,
    dateOffsetMs: 0,
    shuffleSeed: undefined,
    operationMs: 0,
  };
}

/** The first fault of a list that matches; counts its use and takes it off the list after the last one. */
export function useFault<T extends { times?: number }>(faults: T[], matches: (fault: T) => boolean): T | undefined {
  const found = faults.find(matches);
  if (found?.times !== undefined) {
    found.times--;
    if (found.times <= 0) faults.splice(faults.indexOf(found), 1);
  }
  return found;
}

type Identity = { readonly study: string; readonly series: string; readonly instance: string };

export function badBlobOf(faults: Faults, view: Identity): BadBlob | undefined {
  return faults.badBlobs.find(
    (bad) =>
      bad.study === view.study &&
      (bad.series === undefined || bad.series === view.series) &&
      (bad.instance === undefined || bad.instance === view.instance),
  );
}
