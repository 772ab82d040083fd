/** The production dependencies with their licences, by the lock file: no network, and the same everywhere. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

type Locked = { version?: string; license?: string; dev?: boolean; devOptional?: boolean; optional?: boolean };
export type Dependency = { name: string; version: string; licence: string };

/** Licences that may be shipped with the program: permissive ones, without duties for those who only use it. */
export const ALLOWED_LICENCES: ReadonlySet<string> = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
]);

/** What `npm ci --omit=dev --omit=optional` installs, by name; a package that states no licence has the licence "none". */
export function productionDependencies(): Dependency[] {
  const lock: { packages: Record<string, Locked> } = JSON.parse(
    readFileSync(resolve(import.meta.dirname, "../package-lock.json"), "utf8"),
  );
  const found = new Map<string, Dependency>();
  for (const [path, { version = "", license = "none", dev, devOptional, optional }] of Object.entries(lock.packages)) {
    if (path === "" || dev || devOptional || optional) continue;
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    found.set(`${name}@${version}`, { name, version, licence: license });
  }
  return [...found.values()].sort((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1,
  );
}
