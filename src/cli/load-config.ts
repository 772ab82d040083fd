/** Reads what the configuration is made of: flags, environment, `studycast.config.json`, files named by options. */
import { existsSync, readFileSync } from "node:fs";
import { type ConfigInput, problemText, type Resolved } from "../config.ts";
import { StudycastError } from "../errors.ts";
import type { Environment } from "./command.ts";

export const CONFIG_FILE = "studycast.config.json";

/** Gathers the inputs. `configFile` is the file of --config; without it `studycast.config.json` here, when there is one. */
export function configInput(
  flags: ConfigInput["flags"],
  env: Environment,
  configFile: string | undefined,
): ConfigInput {
  return { flags, env, file: readConfigFile(configFile), readFile: (path) => readFileSync(path, "utf8") };
}

/** The configuration, or all that is wrong with it as one error. */
export function accept<C>(resolved: Resolved<C>): C {
  if (resolved.ok) return resolved.config;
  throw new StudycastError("CONFIG_INVALID", { problems: resolved.problems.map(problemText) });
}

function readConfigFile(named: string | undefined): unknown {
  const path = named ?? CONFIG_FILE;
  if (named === undefined && !existsSync(path)) return undefined;
  const wrong = (expected: string, cause: unknown) =>
    new StudycastError("CONFIG_INVALID", { problems: [`configuration file ${path}: expected ${expected}`] }, { cause });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw wrong("a file that can be read", cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong("JSON", cause);
  }
}
