/**
 * A real HAPI FHIR server and HAPI's offline validator for tests (test/servers/hapi). Both are Java; where Java or Maven is
 * missing, or Maven cannot fetch the jars, the functions return null (after one line that says so) and their tests skip.
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
/** About 470 MB are fetched the first time. */
const BUILD_MS = 360_000;
const JAVA = 17;
/** Runs "$@" as a child and kills it when standard input ends; its exit code is passed on. */
const WATCHDOG =
  'exec 3<&0; "$@" </dev/null & child=$!; (cat <&3 >/dev/null; kill $child 2>/dev/null) & watch=$!; wait $child; code=$?; kill $watch 2>/dev/null; exit $code';

let available: boolean | undefined;

/** Whether a JDK and Maven run here; says once on standard error what is missing. */
export function hapiAvailable(): boolean {
  if (available !== undefined) return available;
  const javac = spawnSync("javac", ["-version"], { encoding: "utf8" });
  const major = Number(/^javac (\d+)/m.exec(`${javac.stdout}\n${javac.stderr}`)?.[1]);
  available = major >= JAVA && spawnSync("mvn", ["-version"], { stdio: "ignore" }).status === 0;
  if (!available) leaveOut(`it needs a JDK ${JAVA} or newer (javac) and Maven (mvn).`);
  return available;
}

function leaveOut(why: string): void {
  process.stderr.write(`HAPI FHIR is left out of the tests: ${why}\n`);
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

const UNREACHABLE =
  /could not (?:transfer|resolve|find) |non-resolvable|unknown host|offline mode|network is unreachable|connection refused|timed out/i;

/** What Maven's output says of a build that failed: jars that could not be fetched, or something that is wrong with the project. */
export const wasUnreachable = (output: string): boolean => UNREACHABLE.test(output);

async function build(project: "server" | "validator"): Promise<string | null> {
  if (!hapiAvailable()) return null;
  const folder = join(ROOT, project);
  if (isBuilt(folder)) return folder;
  // Maven writes its errors to standard output.
  const maven = spawn("mvn", ["-q", "-B", "compile"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: BUILD_MS,
  });
  const said: Buffer[] = [];
  for (const stream of [maven.stdout, maven.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(maven, "close")) as [number | null];
  if (code === 0) return folder;
  const output = Buffer.concat(said).toString();
  if (code !== null && !wasUnreachable(output))
    throw new Error(`HAPI FHIR (${project}) could not be built by mvn: ${output.slice(0, 2000)}`);
  leaveOut(`Maven could not fetch its jars (${project}); is Maven Central reachable from here?`);
  available = false;
  return null;
}

/** Builds the server and the validator where they are not; false (after one line) where that is not possible here. Throws when they do not compile. */
export async function prepareHapi(): Promise<boolean> {
  return (await build("server")) !== null && (await build("validator")) !== null;
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
