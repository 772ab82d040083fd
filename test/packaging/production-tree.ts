/** What `npm ci --omit=dev --omit=optional` installs, copied from this checkout by the lock file, so that a test needs no network. */
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

type Locked = { dev?: boolean; optional?: boolean; devOptional?: boolean };

/** Copies the packages into `target/node_modules`. */
export function copyProductionTree(root: string, target: string): void {
  const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const isWanted = ({ dev, optional, devOptional }: Locked) => !(dev || optional || devOptional);
  const paths = Object.keys(lock.packages).filter((path) => path !== "");
  const isNested = (path: string) => path.lastIndexOf("node_modules/") > 0;
  for (const path of paths) {
    const wanted = isWanted(lock.packages[path] ?? {});
    if (wanted && !isNested(path)) cpSync(join(root, path), join(target, path), { recursive: true });
  }
  for (const path of paths)
    if (isNested(path) && !isWanted(lock.packages[path] ?? {}))
      rmSync(join(target, path), { recursive: true, force: true });
}
