import type { Handler } from "./context.ts";
import type { RouteName } from "./faults.ts";
import { deleteScope } from "./route-delete.ts";
import { getFeed, getLatest } from "./route-feed.ts";
import { getFiles } from "./route-files.ts";
import { getMetadata } from "./route-metadata.ts";
import { getPartitions } from "./route-partitions.ts";
import { search } from "./route-query.ts";
import { storeInstances } from "./route-store.ts";
import { bulkUpdate, getOperation } from "./route-update.ts";

export type Route = {
  readonly method: string;
  readonly path: string;
  readonly name: RouteName;
  /** Where the path lives: at the root only, or per partition when partitions are on (contract §5). */
  readonly place: "root" | "partition";
  readonly handle: Handler;
};

const study = "studies/:study";
const series = `${study}/series/:series`;
const instance = `${series}/instances/:instance`;

function inPartition(method: string, path: string, name: RouteName, handle: Handler): Route {
  return { method, path, name, place: "partition", handle };
}

/** Every route below `/v1` and `/v2`. */
export const routes: readonly Route[] = [
  { method: "GET", path: "changefeed", name: "feed", place: "root", handle: getFeed },
  { method: "GET", path: "changefeed/latest", name: "latest", place: "root", handle: getLatest },
  { method: "GET", path: "operations/:id", name: "operations", place: "root", handle: getOperation },
  { method: "GET", path: "partitions", name: "partitions", place: "root", handle: getPartitions },
  inPartition("POST", "studies", "store", storeInstances),
  inPartition("POST", "studies/$bulkUpdate", "update", bulkUpdate),
  inPartition("POST", study, "store", storeInstances),
  inPartition("GET", `${study}/metadata`, "metadata", getMetadata),
  inPartition("GET", `${series}/metadata`, "metadata", getMetadata),
  inPartition("GET", `${instance}/metadata`, "metadata", getMetadata),
  inPartition("GET", study, "files", getFiles),
  inPartition("GET", series, "files", getFiles),
  inPartition("GET", instance, "files", getFiles),
  inPartition("DELETE", study, "delete", deleteScope),
  inPartition("DELETE", series, "delete", deleteScope),
  inPartition("DELETE", instance, "delete", deleteScope),
  inPartition("GET", "studies", "query", search("study")),
  inPartition("GET", "series", "query", search("series")),
  inPartition("GET", "instances", "query", search("instance")),
  inPartition("GET", `${study}/series`, "query", search("series")),
  inPartition("GET", `${study}/instances`, "query", search("instance")),
  inPartition("GET", `${series}/instances`, "query", search("instance")),
];

export type Match = { readonly route: Route; readonly params: Record<string, string> };

/** The route of a path, `unknown` path, or a known path with another `method`. */
export function matchRoute(method: string, segments: readonly string[]): Match | "unknown" | "method" {
  let other = false;
  for (const route of routes) {
    const params = matchPath(route.path.split("/"), segments);
    if (!params) continue;
    if (route.method === method) return { route, params };
    other = true;
  }
  return other ? "method" : "unknown";
}

function matchPath(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const actual = segments[index] ?? "";
    if (expected.startsWith(":")) params[expected.slice(1)] = actual;
    else if (expected !== actual) return undefined;
  }
  return params;
}
