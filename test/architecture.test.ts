/**
 * The import rules of docs/architecture.md. Reads import lines by pattern, so imports stand at the start of a line.
 * `ARCH_ROOT` points the test at another tree, which is how it is itself tried on broken variants.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, posix, relative, resolve, sep } from "node:path";
import { describe, expect, test } from "@jest/globals";

const root = resolve(process.env["ARCH_ROOT"] ?? resolve(import.meta.dirname, ".."));
const leaves = ["errors", "json-weight", "log", "metrics", "study", "time"];

/** Who may import whom. `values` may be imported in full, `types` only with `import type`. */
type Rule = { values: string[]; types?: string[]; packages: RegExp };
const rules: Record<string, Rule> = {
  errors: { values: [], packages: /^$/ },
  "json-weight": { values: [], packages: /^$/ },
  study: { values: [], packages: /^$/ },
  time: { values: ["errors"], packages: /^node:/ },
  log: { values: ["errors"], packages: /^(node:.*|pino)$/ },
  metrics: { values: ["errors"], packages: /^prom-client$/ },
  // The names of opt-in elements (MAPPING_INCLUDE) are a table of the mapping's.
  config: { values: ["errors", "mapping"], types: ["log"], packages: /^$/ },
  auth: { values: leaves, types: ["config"], packages: /^(node:.*|undici|@azure\/identity)$/ },
  redis: { values: leaves, packages: /^(node:.*|ioredis)$/ },
  // One GET of a DICOM service, which both of its readers share.
  get: { values: leaves, types: ["auth"], packages: /^(node:.*|undici)$/ },
  changefeed: { values: [...leaves, "get"], types: ["auth"], packages: /^(node:.*|undici)$/ },
  dicomweb: { values: [...leaves, "get"], types: ["auth"], packages: /^(node:.*|undici)$/ },
  // Pure: node:crypto is there for the hash in version-5 UUIDs, fhir/r4 and fhir/r5 for types.
  mapping: { values: ["errors", "study"], types: ["dicomweb"], packages: /^(node:crypto|fhir\/r[45])$/ },
  // The ownership trees are data that mapping declares and plan applies.
  fhir: { values: [...leaves, "mapping"], types: ["auth"], packages: /^(node:.*|undici|fhir-kit-client|fhir\/r[45])$/ },
  // Both are built on a connection that redis made, and name its errors as redis does.
  state: { values: [...leaves, "redis"], types: ["changefeed"], packages: /^(node:.*|ioredis)$/ },
  queue: { values: [...leaves, "redis"], types: ["state"], packages: /^(node:.*|bullmq|ioredis|@bull-board\/.*)$/ },
  http: { values: leaves, types: ["state"], packages: /^(node:.*|fastify|@fastify\/.*|@bull-board\/.*)$/ },
  request: { values: [], types: ["study"], packages: /^$/ },
  status: { values: [...leaves, "changefeed"], types: ["http", "state"], packages: /^$/ },
  startup: { values: leaves, types: ["request"], packages: /^node:/ },
  creations: { values: ["time"], types: ["state"], packages: /^$/ },
  referred: { values: ["creations", "fhir"], types: ["mapping"], packages: /^$/ },
  refused: { values: ["errors", "mapping"], types: ["fhir"], packages: /^$/ },
  // The entry for the types of a site's own rules; they change what the mapping has built.
  "site-rules": { values: ["errors", "mapping", "study"], packages: /^fhir\/r4$/ },
  sync: {
    values: [...leaves, "dicomweb", "mapping", "fhir", "creations", "referred", "refused", "site-rules"],
    packages: /^(node:.*|fhir\/r[45])$/,
  },
  job: { values: leaves, types: ["sync", "state", "queue"], packages: /^node:/ },
  follower: { values: [...leaves, "changefeed"], types: ["state", "queue"], packages: /^node:/ },
};
/** What the worker is split into: each file knows by value only what it wires, and the rest by type. */
const wiringTypes = ["state", "queue", "http", "changefeed", "dicomweb", "fhir", "job", "health", "room", "config"];
Object.assign(rules, {
  "part-options": { values: ["dicomweb"], types: [...wiringTypes, "sync", "follower"], packages: /^$/ },
  health: { values: leaves, types: wiringTypes, packages: /^$/ },
  observe: { values: [...leaves, "changefeed"], types: wiringTypes, packages: /^$/ },
  loops: { values: ["time"], packages: /^$/ },
  releases: { values: leaves, packages: /^$/ },
  room: { values: leaves, types: wiringTypes, packages: /^$/ },
  services: {
    values: [...leaves, "auth", "changefeed", "dicomweb", "fhir", "mapping", "redis", "startup", "state"],
    types: ["config", "releases"],
    packages: /^undici$/,
  },
  requests: { values: [...leaves, "changefeed", "request"], types: wiringTypes, packages: /^node:crypto$/ },
  "second-looks": { values: ["time"], types: wiringTypes, packages: /^$/ },
  upkeep: { values: [...leaves, "changefeed"], types: wiringTypes, packages: /^$/ },
} satisfies Record<string, Rule>);
const parts = Object.keys(rules);
/** The worker wires all parts; the command line may use them too; emulators stand alone. */
rules["worker"] = { values: parts.filter((part) => part !== "config"), types: ["config"], packages: /^node:/ };
rules["cli"] = { values: [...parts, "worker"], packages: /^(node:.*|commander|fhir\/r[45]|pino-pretty)$/ };
rules["emulators"] = { values: [], packages: /./ };

const pure = /^src\/(mapping\/|fhir\/plan)/;
const importPattern = /^\s*(?:import|export)\s+(type\s)?([^'";]*?\sfrom\s+)?["']([^"']+)["']/gm;

type Import = { file: string; from: string; to: string; target: string; typeOnly: boolean };

/** `src/queue/jobs.ts` is in part `queue`; `src/log.ts` is part `log`; `emulators/…` is part `emulators`. */
function partOf(path: string): string {
  const [top, second] = path.split(posix.sep);
  return top === "src" ? (second ?? "").replace(/\.ts$/, "") : (top ?? "");
}

function filesUnder(...folders: string[]): string[] {
  const found: string[] = [];
  for (const folder of folders.filter((name) => existsSync(resolve(root, name)))) {
    for (const entry of readdirSync(resolve(root, folder), { recursive: true, withFileTypes: true })) {
      const file = relative(root, resolve(entry.parentPath, entry.name)).split(sep).join("/");
      if (entry.isFile() && file.endsWith(".ts")) found.push(file);
    }
  }
  return found.sort();
}

const textOf = (file: string) => readFileSync(resolve(root, file), "utf8");
const linesOf = (file: string) => textOf(file).trimEnd().split("\n").length;

function importsOf(file: string): Import[] {
  return [...textOf(file).matchAll(importPattern)].map(([, type, clause, specifier = ""]) => {
    const isLocal = specifier.startsWith(".");
    const target = isLocal ? posix.join(dirname(file), specifier) : specifier;
    const names = /\{([^}]*)\}/
      .exec(clause ?? "")?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const typeOnly = Boolean(type) || names?.every((name) => name.startsWith("type ")) === true;
    return { file, from: partOf(file), to: isLocal ? partOf(target) : "", target, typeOnly };
  });
}

function brokenImports({ file, from, to, target, typeOnly }: Import): string[] {
  const rule = rules[from];
  if (!rule) return [`${file}: no rule for "${from}"`];
  if (to === "") return rule.packages.test(target) ? [] : [`${file} must not use the package ${target}`];
  if (to === from) return [];
  const broken: string[] = [];
  if (!rule.values.includes(to) && !(typeOnly && rule.types?.includes(to)))
    broken.push(`${file} must not import ${typeOnly ? "types" : "values"} from ${to}`);
  if (target.split("/").length > 2 && !target.endsWith("/index.ts"))
    broken.push(`${file} must import ${to} through its index.ts, not ${target}`);
  return broken;
}

/** Cycles of value imports; types leave no trace at run time. */
function cycles(files: string[]): string[] {
  const graph = new Map(files.map((file) => [file, importsOf(file).filter((i) => i.to !== "" && !i.typeOnly)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next.target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

const source = filesUnder("src");
const code = filesUnder("src", "emulators");

/** Lines of code, without comments: a rule must not be broken by a sentence about it. */
function codeOf(file: string): string {
  return textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "");
}

function filesWith(files: string[], pattern: RegExp): string[] {
  return files.flatMap((file) => {
    const found = pattern.exec(codeOf(file));
    return found ? [`${file}: ${found[0].trim()}`] : [];
  });
}

describe("architecture", () => {
  test("parts never call each other: sync and worker alone wire them", () => {
    expect(code.flatMap(importsOf).flatMap(brokenImports)).toEqual([]);
  });

  test("no import cycles", () => {
    expect(cycles(code)).toEqual([]);
  });

  test("mapping and plan are pure: no clock, no randomness, no input or output", () => {
    const impure = /\b(Date\.now|new Date\(\)|Math\.random|randomUUID|setTimeout|setInterval|fetch\(|await\b)/;
    expect(
      filesWith(
        source.filter((file) => pure.test(file)),
        impure,
      ),
    ).toEqual([]);
    expect(code.flatMap(importsOf).filter((i) => pure.test(i.file) && /^node:(?!crypto)/.test(i.target))).toEqual([]);
  });

  test("only the command line touches the process and the console", () => {
    const outside = source.filter((file) => !file.startsWith("src/cli/"));
    const pattern = /(?<!\/)\bprocess\.(?!ts\b)[a-z]\w*|\bconsole\.|["'](?:node:)?process["']/;
    expect(filesWith(outside, pattern)).toEqual([]);
  });

  test("no dynamic import, except of a heavy package that few ask for, and of a site's own module", () => {
    const allowed = ["src/auth/azure.ts", "src/cli/load-site-rules.ts"];
    expect(
      filesWith(
        code.filter((file) => !allowed.includes(file)),
        /(?<![\w.])import\(/,
      ),
    ).toEqual([]);
  });

  test("named exports only", () => {
    expect(filesWith(code, /^export\s+(?:default\b|\*).*/m)).toEqual([]);
  });

  test("index files list what a folder shows and no more", () => {
    const indexes = source.filter((file) => file.endsWith("/index.ts"));
    expect(indexes.filter((file) => linesOf(file) > 40)).toEqual([]);
  });

  test("no file is over 400 lines, and half of the source files are at most 100", () => {
    const all = filesUnder("src", "emulators", "scripts", "bench", "test");
    expect(all.filter((file) => linesOf(file) > 400).map((file) => `${file}: ${linesOf(file)}`)).toEqual([]);
    const sizes = source.map(linesOf).sort((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(100);
  });

  test("files are named by the thing, in kebab case", () => {
    const names = code.map((file) => posix.basename(file, ".ts").replace(/\.d$/, ""));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    expect(names.filter((name) => /\b(utils?|helpers?|common|manager|service|interfaces|types)\b/.test(name))).toEqual(
      [],
    );
  });
});
