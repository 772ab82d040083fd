/** What a command is. Parsing, --help, suggestions and docs/cli.md all come from these definitions. */
import type { Config, OptionName, PartialConfig, Purpose } from "../config.ts";

export type Flag = {
  /** Such as `--json` or `--study <uid>`; `<uid...>` may be given several times. */
  flag: string;
  about: string;
};

export type Command = {
  name: string;
  /** One sentence, for the list of commands. */
  summary: string;
  /** More for --help and the docs, one paragraph each. */
  details?: readonly string[];
  /** Positional arguments in commander's notation, such as `[action] [sequence]`, each with what it is. */
  args?: readonly { name: string; about: string }[];
  flags?: readonly Flag[];
  /** Options of the manifest that this command takes as flags. */
  options: readonly OptionName[];
  examples: readonly { command: string; about: string }[];
  /** Members of what --json prints. */
  json?: readonly { member: string; about: string }[];
  /** Ends normally for exit code 0. @throws StudycastError, whose class decides the exit code; UsageError for 1. */
  run(context: Context): Promise<void>;
};

export type Io = {
  /** Standard output: what the command is asked for. */
  out(text: string): void;
  /** Standard error: progress, hints, errors. */
  err(text: string): void;
  /** Whether standard error is a terminal that can redraw a line. */
  isTerminal: boolean;
  /** Width of standard output in characters, when that is a terminal. */
  columns?: number | undefined;
  readStdin(): Promise<string>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

export type Context = {
  args: readonly string[];
  /** Flags of the command by camel-case name. */
  flags: Readonly<Record<string, unknown>>;
  io: Io;
  env: Environment;
  version: string;
  /** Everything `start` needs. @throws StudycastError CONFIG_INVALID with all problems */
  startConfig(): Config;
  /** What a command that needs less may ask for. @throws StudycastError CONFIG_INVALID with all problems */
  partConfig(purpose: Exclude<Purpose, "start">): PartialConfig;
  /** Aborts at the first SIGINT or SIGTERM: finish what is in flight. */
  stop: AbortSignal;
  /** Aborts at the second: drop it. */
  abort: AbortSignal;
};

/** A command line that makes no sense. Its message is a sentence; `hint` says what to type instead. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** Options of every command that talks to Redis. */
export const STATE_OPTIONS = [
  "REDIS_URL",
  "REDIS_CA",
  "DATA_DIR",
  "SOURCE_ID",
] as const satisfies readonly OptionName[];
