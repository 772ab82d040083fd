/**
 * A real HAPI FHIR server and HAPI's offline validator for tests (test/servers/hapi). Both are Java; where Java or Maven is
 * missing the functions return null (after one line that says so) and their tests skip.
 *
 * Every process started here ends with the process that started it: a small shell stands between, which kills Java when its
 * standard input closes, however this process ends.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Hapi = { url: string; stop(): Promise<void> };
export type HapiOptions = {
  fhir?: "r4" | "r5";
  /** Flags of the server (test/servers/hapi/README.md), e.g. `["--validate=true"]`. */
  flags?: readonly string[];
};
/** One line of the validator's report; `ok` is false when there is an error or fatal issue. */
export type ValidationReport = {
  line: number;
  resourceType: string | null;
  id: string | null;
  ok: boolean;
  ms: number;
  issues: {
    severity: "information" | "warning" | "error" | "fatal";
    code: string | null;
    path: string;
    text: string;
  }[];
};

const ROOT = join(import.meta.dirname, "..", "servers", "hapi");
const START_MS = 420_000;
/** Runs "$@" as a child and kills it when standard input ends; its exit code is passed on. */
const WATCHDOG =
  'exec 3<&0; "$@" </dev/null & child=$!; (cat <&3 >/dev/null; kill $child 2>/dev/null) & watch=$!; wait $child; code=$?; kill $watch 2>/dev/null; exit $code';

let missingSaid = false;
let available: boolean | undefined;

/** Whether `java` and `mvn` run here; says once on standard error what is missing. */
export function hapiAvailable(): boolean {
  available ??= ["java", "mvn"].every((tool) => spawnSync(tool, ["-version"], { stdio: "ignore" }).status === 0);
  if (!available && !missingSaid) {
    missingSaid = true;
    process.stderr.write("HAPI FHIR is left out of the tests: it needs Java 17 (java) and Maven (mvn).\n");
  }
  return available;
}

/** Built before, and the jars it was built with are still in the local Maven repository. */
function isBuilt(folder: string): boolean {
  const list = join(folder, "target", "classpath.txt");
  if (!existsSync(list) || !existsSync(join(folder, "target", "classes"))) return false;
  return readFileSync(list, "utf8")
    .trim()
    .split(":")
    .every((jar) => existsSync(jar));
}

async function build(project: "server" | "validator"): Promise<string | null> {
  if (!hapiAvailable()) return null;
  const folder = join(ROOT, project);
  if (isBuilt(folder)) return folder;
  const maven = spawn("mvn", ["-q", "compile"], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const said: Buffer[] = [];
  maven.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(maven, "close")) as [number];
  if (code === 0) return folder;
  process.stderr.write(
    `HAPI FHIR (${project}) could not be built by mvn: ${Buffer.concat(said).toString().slice(0, 500)}\n`,
  );
  return null;
}

/** Starts `run.sh` of a project with `--port=0` and waits for its READY line; resolves with the address in it. */
async function launch(folder: string, flags: readonly string[]): Promise<Hapi> {
  const command = ["-c", WATCHDOG, "sh", join(folder, "run.sh"), "--port=0", ...flags];
  const child = spawn("sh", command, { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.on("error", () => undefined);
  const url = await readyAddress(child);
  return {
    url,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.stdin.end();
      await ended;
    },
  };
}

async function readyAddress(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("no standard output");
  const lines = createInterface({ input: child.stdout });
  const timer = setTimeout(() => child.stdin?.end(), START_MS);
  try {
    for await (const line of lines) {
      const address = /^READY (\S+)/.exec(line)?.[1];
      if (address !== undefined) {
        child.stdout.resume();
        return address;
      }
    }
    throw new Error("HAPI FHIR ended before it was ready");
  } finally {
    clearTimeout(timer);
  }
}

/** A HAPI FHIR JPA server with a database of its own in memory; null (and one line) where it cannot be had. */
export async function startHapi({ fhir = "r4", flags = [] }: HapiOptions = {}): Promise<Hapi | null> {
  const folder = await build("server");
  return folder === null ? null : launch(folder, [`--fhir=${fhir}`, ...flags]);
}

/** Validates resources (NDJSON, one a line) by HAPI's validator without a network; null where it cannot be had. R5 takes half a minute to load. */
export async function validateWithHapi(ndjson: string, fhir: "r4" | "r5" = "r4"): Promise<ValidationReport[] | null> {
  const folder = await build("validator");
  if (folder === null) return null;
  const child = spawn(join(folder, "run.sh"), [`--fhir=${fhir}`], { stdio: ["pipe", "pipe", "ignore"] });
  // Java reads standard input to its end, so it ends by itself when this process is gone.
  child.stdin.on("error", () => undefined);
  child.stdin.end(ndjson.endsWith("\n") ? ndjson : `${ndjson}\n`);
  const reports: ValidationReport[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) reports.push(JSON.parse(line) as ValidationReport);
  }
  return reports;
}
