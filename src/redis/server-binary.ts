/**
 * Finds a redis-server or valkey-server on this machine, or else lays a private copy of the distribution's own packages (Debian, Ubuntu) into the
 * user's cache folder: no root, no service, nothing outside that folder.
 *
 * Limits: fetching needs apt-get, dpkg-deb and a package mirror. Two processes may fetch at once; the first copy that is ready stays.
 */
import { execFile } from "node:child_process";
import { access, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { StudycastError } from "../errors.ts";

/** The environment variables of the process (PATH, HOME, XDG_CACHE_HOME, LD_LIBRARY_PATH are read), handed in by the command. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program to start, with the variables it needs besides the process's own. */
export type ServerBinary = { command: string; env: Readonly<Record<string, string>> };

const NAMES = ["redis-server", "valkey-server"];
const BEYOND_PATH = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/opt/homebrew/bin"];

/**
 * The server program of this machine, else a private copy, fetched once. `tell` gets a line before anything is fetched.
 * @throws StudycastError REDIS_MISSING
 */
export async function findServerBinary(env: Environment, tell: (line: string) => void): Promise<ServerBinary> {
  const installed = await findInstalled(env);
  if (installed !== undefined) return installed;
  const cache = join(env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache"), "studycast", "redis");
  if (!(await exists(join(cache, "ready")))) {
    tell(`No Redis is installed: fetching the distribution's own into ${cache} (once, about 1.4 MB, no root) ...`);
    await fetchPackages(cache, env);
  }
  return unpacked(cache, env);
}

async function findInstalled(env: Environment): Promise<ServerBinary | undefined> {
  const folders = [...(env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""), ...BEYOND_PATH];
  for (const folder of folders) {
    for (const name of NAMES) {
      const command = join(folder, name);
      if (await exists(command, constants.X_OK)) return { command, env: {} };
    }
  }
  return undefined;
}

async function unpacked(root: string, env: Environment): Promise<ServerBinary> {
  const folders = (await readdir(join(root, "usr/lib"))).filter((name) => name.includes("-linux-"));
  const libraries = [...folders.map((name) => join(root, "usr/lib", name)), env["LD_LIBRARY_PATH"]];
  const path = libraries.filter((folder) => folder !== undefined && folder !== "").join(":");
  return { command: join(root, "usr/bin/redis-server"), env: { LD_LIBRARY_PATH: path } };
}

/** Lays redis-server and the libraries this machine lacks into `cache`. */
async function fetchPackages(cache: string, env: Environment): Promise<void> {
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(`${cache}.part-`);
  try {
    await download(part, env);
    const root = join(part, "root");
    for (const name of await readdir(join(part, "archives"))) {
      if (name.endsWith(".deb")) await mustRun("dpkg-deb", ["--extract", join(part, "archives", name), root], env);
    }
    const copy = await unpacked(root, env);
    const version = await mustRun(copy.command, ["--version"], { ...env, ...copy.env });
    await writeFile(join(root, "ready"), version);
    await moveInto(root, cache);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

async function download(part: string, env: Environment): Promise<void> {
  for (const folder of ["lists/partial", "archives/partial", "root"])
    await mkdir(join(part, folder), { recursive: true });
  // apt's sources, proxies and keys stand; only what it writes goes into our folder
  const option = (text: string) => ["-o", text];
  const system = [
    "-q",
    ...option(`Dir::Cache=${part}`),
    ...option(`Dir::Cache::archives=${part}/archives`),
    ...option("Debug::NoLocking=true"),
    ...option("APT::Sandbox::User=root"),
    ...option("Acquire::Languages=none"),
  ];
  const own = [...system, ...option(`Dir::State::lists=${part}/lists`)];
  // --reinstall: redis-server is a link into redis-tools, which may be installed without it
  const what = ["install", "--download-only", "--yes", "--reinstall", "--no-install-recommends", "redis-server"];
  const install = (options: string[]) => run("apt-get", [...options, ...what, "redis-tools"], env);
  if ((await install(system)).ok) return;
  await run("apt-get", [...own, "update"], env);
  const second = await install(own);
  if (!second.ok) throw new StudycastError("REDIS_MISSING", { fetching: lastLine(second.text) });
}

/** Puts the finished copy in place, unless another process was first. */
async function moveInto(root: string, cache: string): Promise<void> {
  if (await exists(join(cache, "ready"))) return;
  await rm(cache, { recursive: true, force: true });
  try {
    await rename(root, cache);
  } catch (error) {
    if (!(await exists(join(cache, "ready")))) throw error;
  }
}

async function mustRun(command: string, args: readonly string[], env: Environment): Promise<string> {
  const { ok, text } = await run(command, args, env);
  if (!ok) throw new StudycastError("REDIS_MISSING", { fetching: `${command}: ${lastLine(text)}` });
  return text;
}

function run(command: string, args: readonly string[], env: Environment): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve) => {
    execFile(command, [...args], { env: { ...env, LC_ALL: "C.UTF-8" } }, (error, stdout, stderr) => {
      resolve({ ok: error === null, text: error === null ? stdout : stderr || error.message });
    });
  });
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

async function exists(path: string, mode: number = constants.F_OK): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}
