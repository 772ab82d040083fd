/**
 * `npm run audit`: known weaknesses of the production dependencies, as the registry tells them, and their licences.
 * Exit code 1 when there is a weakness of level high or above, or a licence that is not allowed. A registry that offers no audit, or cannot be reached, is told and is no failure.
 */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { ALLOWED_LICENCES, productionDependencies } from "./licences.ts";

const dependencies = productionDependencies();
const refused = dependencies.filter(({ licence }) => !ALLOWED_LICENCES.has(licence));
for (const { name, version, licence } of refused) console.error(`licence not allowed: ${name} ${version} ${licence}`);
console.log(`licences: ${dependencies.length} production packages, ${refused.length} not allowed`);

const root = resolve(import.meta.dirname, "..");
const { stdout } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
  cwd: root,
  encoding: "utf8",
  timeout: 60_000,
});
const counts = weaknesses(stdout ?? "");
if (counts === undefined) console.log("audit: not to be had here (the registry offers none, or cannot be reached)");
else
  console.log(
    `audit: ${Object.entries(counts)
      .map(([level, count]) => `${count} ${level}`)
      .join(", ")}`,
  );
process.exitCode = refused.length > 0 || (counts?.["high"] ?? 0) + (counts?.["critical"] ?? 0) > 0 ? 1 : 0;

/** Weaknesses by level; undefined when the answer is no audit. */
function weaknesses(text: string): Record<string, number> | undefined {
  try {
    const found: unknown = JSON.parse(text);
    const metadata = typeof found === "object" && found !== null && "metadata" in found ? found.metadata : undefined;
    if (typeof metadata !== "object" || metadata === null || !("vulnerabilities" in metadata)) return undefined;
    return metadata.vulnerabilities as Record<string, number>;
  } catch {
    return undefined;
  }
}
