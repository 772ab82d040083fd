/**
 * The image outside Docker: its build command, the tree it holds, its start and health check commands, as a user that may write to nothing but /data
 * and /tmp (as root; otherwise everything is made read-only for the user who runs the test).
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startDicomEmulator } from "../../emulators/dicom/index.ts";
import { startFhirEmulator } from "../../emulators/fhir/index.ts";
import { findServerBinary } from "../../src/redis/server-binary.ts";
import { allOf, lastOf, parseDockerfile, words } from "./dockerfile.ts";
import { copyProductionTree } from "./production-tree.ts";

const root = resolve(import.meta.dirname, "../..");
const stages = parseDockerfile(readFileSync(join(root, "Dockerfile"), "utf8"));
const stage = (name: string | undefined) => {
  const found = stages.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no stage ${name}`);
  return found;
};
const image = stage(undefined);

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const base = mkdtempSync(join(tmpdir(), "image-"));
const [app, data, tmp, bin] = ["app", "data", "tmp", "bin"].map((name) => join(base, name)) as [
  string,
  string,
  string,
  string,
];
/** Node 24 and a redis-server, as in the image, and the system's tools. */
const PATH = [bin, "/usr/bin", "/bin"].join(":");

beforeAll(async () => {
  for (const folder of [app, data, tmp, bin]) mkdirSync(folder);
  const built = buildStage();
  copyProductionTree(root, app);
  // COPY --from=build /app/dist ./dist, COPY package.json LICENSE ./, COPY bin ./bin
  for (const instruction of allOf(image, "COPY")) {
    const [, from, sources = "", target = ""] = /^(?:--from=(\w+) )?(.*) (\S+)$/.exec(instruction) ?? [];
    if (from === "modules") continue;
    for (const source of sources.split(" ")) {
      const folder = from === "build" ? built : root;
      const name = source.replace(/^\/app\//, "");
      cpSync(join(folder, name), target.endsWith("/") ? join(app, target, name) : join(app, target), {
        recursive: true,
      });
    }
  }
  installNode();
  await installRedis();
  chmodSync(base, 0o755);
  for (const folder of [data, tmp]) if (isRoot) chownSync(folder, NOBODY, NOBODY);
  chmodSync(data, 0o700);
  if (!isRoot) spawnSync("chmod", ["-R", "a-w", app]);
}, 120_000);

afterAll(() => {
  spawnSync("chmod", ["-R", "u+w", app]);
  rmSync(base, { recursive: true, force: true });
});

/** What the build stage makes of a checkout without what .dockerignore names; its modules are this checkout's. */
function buildStage(): string {
  const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  const folder = join(base, "build");
  mkdirSync(folder);
  for (const name of readdirSync(root)) {
    if (!ignored.includes(name)) cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const [, build = ""] = allOf(stage("build"), "RUN");
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", build], {
    cwd: folder,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${build}: ${stdout}${stderr}`);
  return folder;
}

/** Under a path that every user may enter, which a checkout need not be. */
function installNode(): void {
  try {
    linkSync(process.execPath, join(bin, "node"));
  } catch {
    copyFileSync(process.execPath, join(bin, "node")); // another file system
  }
}

/** A copy of this machine's server under its usual name, with the libraries it brings. */
async function installRedis(): Promise<void> {
  const { command, env } = await findServerBinary(process.env, () => {});
  copyFileSync(command, join(bin, "server"));
  const libraries = join(base, "lib");
  mkdirSync(libraries);
  for (const folder of (env["LD_LIBRARY_PATH"] ?? "").split(":").filter(Boolean))
    spawnSync("cp", ["-RL", `${folder}/.`, libraries]);
  const script = `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${join(bin, "server")} "$@"\n`;
  writeFileSync(join(bin, "redis-server"), script, { mode: 0o755 });
}

function environment(options: Record<string, string>): Record<string, string> {
  const stated = lastOf(image, "ENV")
    .split(" ")
    .map((pair) => pair.split("="));
  return { PATH, TMPDIR: tmp, ...Object.fromEntries(stated), DATA_DIR: data, ...options };
}

/** The image's entry point with these words, as its user, in its folder. */
function run(command: string[], options: Record<string, string> = {}): ChildProcess {
  const [program = "", ...args] = [...words(lastOf(image, "ENTRYPOINT")), ...command];
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  return spawn(program, args, { cwd: app, env: environment(options), stdio: ["ignore", "pipe", "pipe"], ...user });
}

async function output(child: ChildProcess): Promise<{ code: unknown; text: string }> {
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Buffer) => parts.push(part));
  const [code] = await once(child, "close");
  return { code, text: Buffer.concat(parts).toString() };
}

describe("the image", () => {
  test("installs production packages only, without running their scripts", () => {
    expect(allOf(stage("modules"), "RUN")).toEqual([
      expect.stringMatching(/^npm ci --omit=dev --omit=optional --ignore-scripts\b/),
    ]);
    for (const name of ["typescript", "jest", "node"])
      expect(readdirSync(join(app, "node_modules"))).not.toContain(name);
  });

  test("holds the built program and no sources, and runs as a user that is not root", () => {
    expect(readdirSync(app).sort()).toEqual(["LICENSE", "bin", "dist", "node_modules", "package.json"]);
    expect(lastOf(image, "USER")).toBe("node");
    expect(lastOf(image, "VOLUME")).toBe("/data");
    expect(lastOf(image, "RUN")).toContain("redis-server");
  });

  test("shows its help and version under plain Node, without type stripping", async () => {
    const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
    expect(await output(run(["--version"], { NODE_OPTIONS: "--no-experimental-strip-types" }))).toEqual({
      code: 0,
      text: `${version}\n`,
    });
    expect((await output(run(["--help"]))).text).toContain("Usage: studycast");
  });

  test("without options it says what is missing and ends with exit code 1", async () => {
    const { code, text } = await output(run(words(lastOf(image, "CMD"))));
    expect(code).toBe(1);
    expect(text).toContain("DICOM_URL is missing");
  });

  test("its start command runs the worker on a Redis of its own in /data, healthy, and SIGTERM ends it", async () => {
    const [dicom, fhir] = [await startDicomEmulator(), await startFhirEmulator()];
    const options = { DICOM_URL: dicom.url, FHIR_URL: fhir.url, PATIENT_ID_SYSTEM: "urn:example:mrn", HTTP_PORT: "0" };
    const child = run(words(lastOf(image, "CMD")), options);
    try {
      const url = await listening(child);
      const health = { HTTP_PORT: new URL(url).port };
      await untilHealthy(health);
      await untilFollowing();
      expect((await fetch(`${url}/startupz`)).status).toBe(200);
      expect(readdirSync(data)).toContain("redis.socket");
      expect(readdirSync(tmp)).toEqual([]);
      const closed = once(child, "close");
      child.kill("SIGTERM");
      expect(await closed).toEqual([0, null]);
      expect(await healthCheck(health)).toBe(1);
    } finally {
      child.kill("SIGKILL");
      await Promise.all([dicom.close(), fhir.close()]);
    }
  }, 60_000);
});

/** The address in the worker's first log lines. */
async function listening(child: ChildProcess): Promise<string> {
  if (child.stdout === null || child.stderr === null) throw new Error("no output");
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  for await (const line of createInterface({ input: child.stdout })) {
    const { url }: { url?: string } = JSON.parse(line);
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  throw new Error(`the worker ended: ${errors.join("\n")}`);
}

/** The exit code of the health check as the Dockerfile has it. */
async function healthCheck(options: Record<string, string>): Promise<unknown> {
  const [program = "", ...args] = words(lastOf(image, "HEALTHCHECK"));
  return (await output(spawn(program, args, { env: environment(options), stdio: ["ignore", "pipe", "pipe"] }))).code;
}

async function untilHealthy(options: Record<string, string>): Promise<void> {
  for (let tries = 0; tries < 50; tries++) if ((await healthCheck(options)) === 0) return;
  throw new Error("the health check never passes");
}

/** The worker tells its state every few seconds; `status` in the same container reads it. */
async function untilFollowing(): Promise<void> {
  let last = "";
  for (let tries = 0; tries < 20; tries++) {
    const { code, text } = await output(run(["status"]));
    if (code === 0 && /^feed +following/m.test(text)) return;
    last = text;
  }
  throw new Error(`the worker does not follow: ${last}`);
}
