/** Counters of the proxy: requests and bytes per route, and the greatest number of requests in flight per study. */

export type RouteCount = { requests: number; bytesIn: number; bytesOut: number; statuses: Record<string, number> };
export type Counts = {
  /** Key: `METHOD path` with ids replaced, e.g. `GET /v1/studies/{uid}/metadata`. bytesIn: request bodies. */
  routes: Record<string, RouteCount>;
  requests: number;
  bytesIn: number;
  bytesOut: number;
  /** Requests in flight now, and the most ever. */
  inFlight: number;
  maxInFlight: number;
  /** Key: study UID or ImagingStudy id. The most requests for that study that were in flight at one time. */
  maxInFlightByStudy: Record<string, number>;
};

export type Tally = {
  begin(route: string, studies: readonly string[]): (status: number, bytesIn: number, bytesOut: number) => void;
  read(): Counts;
  reset(): void;
};

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const UID = /^[0-9]+(?:\.[0-9]+){2,}$/;

/** `METHOD path` with UIDs, UUIDs, numbers and FHIR ids replaced by placeholders; the query is left out. */
export function routeOf(method: string, path: string): string {
  const at = path.indexOf("?");
  const parts = (at < 0 ? path : path.slice(0, at)).split("/");
  const template = parts.map((part, index) => {
    if (UID.test(part)) return "{uid}";
    if (/^\d+$/.test(part)) return "{n}";
    const before = parts[index - 1] ?? "";
    if (part !== "" && !/^[_$]/.test(part) && /^[A-Z][A-Za-z]+$/.test(before)) return "{id}";
    return part.replace(UUID, "{id}");
  });
  return `${method} ${template.join("/")}`;
}

/** Study UIDs and ImagingStudy ids named in a path or in the kept part of a body. */
export function studiesIn(path: string, body: string): string[] {
  const found = new Set<string>();
  for (const match of path.matchAll(/\/studies\/([0-9.]+)|ImagingStudy\/([A-Za-z0-9\-.]+)/g)) {
    found.add(match[1] ?? match[2] ?? "");
  }
  for (const match of path.matchAll(/StudyInstanceUID=([0-9.]+)|urn(?::|%3A)oid(?::|%3A)([0-9.]+)/gi)) {
    found.add(match[1] ?? match[2] ?? "");
  }
  for (const match of body.matchAll(/"url"\s*:\s*"ImagingStudy\/([A-Za-z0-9\-.]+)"/g)) found.add(match[1] ?? "");
  return [...found];
}

export function createTally(): Tally {
  let routes: Record<string, RouteCount> = {};
  let flying = 0;
  let most = 0;
  const now = new Map<string, number>();
  let greatest: Record<string, number> = {};

  return {
    begin: (route, studies) => {
      flying += 1;
      most = Math.max(most, flying);
      for (const study of studies) {
        const count = (now.get(study) ?? 0) + 1;
        now.set(study, count);
        greatest[study] = Math.max(greatest[study] ?? 0, count);
      }
      routes[route] ??= { requests: 0, bytesIn: 0, bytesOut: 0, statuses: {} };
      const row = routes[route];
      row.requests += 1;
      let ended = false;
      return (status, bytesIn, bytesOut) => {
        if (ended) return;
        ended = true;
        flying -= 1;
        for (const study of studies) {
          const left = (now.get(study) ?? 1) - 1;
          if (left > 0) now.set(study, left);
          else now.delete(study);
        }
        row.bytesIn += bytesIn;
        row.bytesOut += bytesOut;
        row.statuses[status] = (row.statuses[status] ?? 0) + 1;
      };
    },
    read: () => {
      const sum = (pick: (row: RouteCount) => number): number =>
        Object.values(routes).reduce((total, row) => total + pick(row), 0);
      return {
        routes: structuredClone(routes),
        requests: sum((row) => row.requests),
        bytesIn: sum((row) => row.bytesIn),
        bytesOut: sum((row) => row.bytesOut),
        inFlight: flying,
        maxInFlight: most,
        maxInFlightByStudy: { ...greatest },
      };
    },
    reset: () => {
      routes = {};
      most = flying;
      greatest = Object.fromEntries(now);
    },
  };
}
