/**
 * The configuration: one manifest (config/options.ts), read from flags, environment and file, checked once, frozen.
 * Pure: what is outside comes in as arguments. Parts of the program get the plain values they need, never the Config.
 */
import type { AuthConfig } from "./config/auth-options.ts";
import { maskValue } from "./config/mask.ts";
import { type CodeOption, type FeedStartOption, flagOf, type Option } from "./config/option.ts";
import { OPTIONS, type OptionName, optionList } from "./config/options.ts";
import { parseOption } from "./config/parse.ts";
import { authConfig, type Problem, type Purpose, ruleProblems, type Values } from "./config/rules.ts";

export type { AuthConfig, AzureCredential } from "./config/auth-options.ts";
export { identityOptions, mappingOptions, stateOptions } from "./config/derived.ts";
export { maskUrl } from "./config/mask.ts";
export { type FeedStartOption, flagOf, GROUPS, type Group, type Option } from "./config/option.ts";
export { OPTIONS, type OptionName, optionList } from "./config/options.ts";
export { isInstant } from "./config/parse.ts";
export { isLoopback, type Problem, type Purpose } from "./config/rules.ts";

type Scalar<O> = O extends { kind: "integer" | "ms" | "number" }
  ? number
  : O extends { kind: "systems" | "terms" }
    ? Readonly<Record<string, string>>
    : O extends { kind: "codes" }
      ? Readonly<Record<string, CodeOption>>
      : O extends { kind: "names"; names: infer N }
        ? readonly (keyof N & string)[]
        : O extends { kind: "feed-start" }
          ? FeedStartOption
          : O extends { choices: readonly (infer C)[] }
            ? C
            : string;
type Value<O> = O extends { default: unknown } ? Scalar<O> : Scalar<O> | undefined;

/** Options for a command that needs less than `start`: the services may be absent. */
export type PartialConfig = { readonly [K in OptionName]: Value<(typeof OPTIONS)[K]> } & {
  readonly dicomAuth: AuthConfig;
  readonly fhirAuth: AuthConfig;
};
/** Everything `start` needs, checked. */
export type Config = PartialConfig & { readonly DICOM_URL: string; readonly FHIR_URL: string };

export type ConfigInput = {
  /** By option name, as text; a flag that was not given is absent. */
  flags: Readonly<Record<string, string | undefined>>;
  env: Readonly<Record<string, string | undefined>>;
  /** The parsed configuration file; undefined when there is none. */
  file: unknown;
  /** Reads a file named by an option NAME_FILE. @throws when it cannot be read. */
  readFile(path: string): string;
};

export type Resolved<C> = { ok: true; config: C } | { ok: false; problems: Problem[] };

/** The configuration of `start`: flag before environment before file before default; all problems at once. An empty text counts as not given. */
export function resolveConfig(input: ConfigInput): Resolved<Config> {
  return resolve(input, "start") as Resolved<Config>;
}

/** The configuration of a command that needs only a part of it. */
export function resolvePart(input: ConfigInput, purpose: Purpose): Resolved<PartialConfig> {
  return resolve(input, purpose) as Resolved<PartialConfig>;
}

function resolve(input: ConfigInput, purpose: Purpose): Resolved<unknown> {
  const problems: Problem[] = [];
  const file = fileValues(input.file, problems);
  const values: Record<string, unknown> = {};
  for (const [name, option] of optionList()) {
    const found = findValue(name, option, { ...input, file }, problems);
    values[name] = found ?? option.default;
  }
  problems.push(...ruleProblems(values, purpose).filter((problem) => !problems.some((p) => p.field === problem.field)));
  const dicomAuth = purpose === "offline" ? [] : authConfig(values, "DICOM");
  const fhirAuth = purpose === "offline" ? [] : authConfig(values, "FHIR");
  for (const auth of [dicomAuth, fhirAuth]) if (Array.isArray(auth)) problems.push(...auth);
  if (problems.length > 0) return { ok: false, problems };
  const none: AuthConfig = { kind: "none" };
  const auth = purpose === "offline" ? { dicomAuth: none, fhirAuth: none } : { dicomAuth, fhirAuth };
  return { ok: true, config: Object.freeze({ ...values, ...auth }) };
}

type Place = "flag" | "env" | "file";

/** The first of flag, environment and file that gives the option, itself or as NAME_FILE. */
function findValue(name: string, option: Option, input: ConfigInput & { file: Values }, problems: Problem[]): unknown {
  const places: [Place, Values][] = [
    ["flag", input.flags],
    ["env", input.env],
    ["file", input.file],
  ];
  for (const [from, values] of places) {
    const raw =
      given(values[name]) ?? (option.fileToo ? contents(`${name}_FILE`, from, values, input, problems) : undefined);
    if (raw === undefined) continue;
    const parsed = parseOption(option, raw);
    if (parsed.ok) return parsed.value;
    problems.push({ field: name, from, value: maskValue(option, raw), expected: parsed.expected });
    return undefined;
  }
  return undefined;
}

/** A compose file's `${NAME:-}` gives an empty text for what is not set. */
const given = (raw: unknown): unknown => (raw === "" || raw === null ? undefined : raw);

function contents(
  name: string,
  from: Place,
  values: Values,
  input: ConfigInput,
  problems: Problem[],
): string | undefined {
  const path = given(values[name]);
  if (typeof path !== "string") return undefined;
  try {
    const text = input.readFile(path).replace(/\r?\n$/, "");
    if (text !== "") return text;
    problems.push({ field: name, from, value: path, expected: "a file that is not empty" });
  } catch {
    problems.push({ field: name, from, value: path, expected: "a file that can be read" });
  }
  return undefined;
}

function fileValues(file: unknown, problems: Problem[]): Values {
  if (file === undefined) return {};
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    problems.push({ field: "configuration file", from: "file", expected: "a JSON object of options" });
    return {};
  }
  for (const key of Object.keys(file)) {
    if (key === "$schema" || isKnown(key)) continue;
    problems.push({ field: key, from: "file", expected: `a known option${likeliest(key)}` });
  }
  return file as Values;
}

function isKnown(key: string): boolean {
  const options: Readonly<Record<string, Option>> = OPTIONS;
  return Object.hasOwn(options, key) || (key.endsWith("_FILE") && options[key.slice(0, -5)]?.fileToo === true);
}

/** `patientPolicy` and `patient-policy` are the likely slips. */
function likeliest(key: string): string {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const meant = optionList().find(([name]) => plain(name) === plain(key));
  return meant ? `; did you mean ${meant[0]}?` : "";
}

/** One line per problem: `NAME value (from): expected …`. */
export function problemText({ field, from, value, expected }: Problem): string {
  const what = value === undefined ? "" : ` ${JSON.stringify(value)}`;
  const where = { flag: ` (flag ${flagOf(field)})`, env: " (environment)", file: " (configuration file)" };
  return `${field}${what}${from ? where[from] : value === undefined ? " is missing" : ""}: expected ${expected}`;
}
