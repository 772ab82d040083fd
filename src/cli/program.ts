/** The command table as a commander program. Nothing happens before `parse`. */
import { Argument, Command as CommanderCommand, CommanderError, Option as CommanderOption } from "commander";
import { flagOf, GROUPS, OPTIONS, type Option, type OptionName, resolveConfig, resolvePart } from "../config.ts";
import { checkpointCommand } from "./checkpoint.ts";
import { type Command, type Context, type Environment, type Io, UsageError } from "./command.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { explainCommand } from "./explain.ts";
import { accept, CONFIG_FILE, configInput } from "./load-config.ts";
import { mapCommand } from "./map.ts";
import { rejectedCommand } from "./rejected.ts";
import { resyncCommand } from "./resync.ts";
import { retryCommand } from "./retry.ts";
import { startCommand } from "./start.ts";
import { statusCommand } from "./status.ts";
import { version } from "./version.ts";

/** All commands, in the order in which --help and docs/cli.md list them. */
export const COMMANDS: readonly Command[] = [
  startCommand,
  statusCommand,
  resyncCommand,
  retryCommand,
  rejectedCommand,
  mapCommand,
  explainCommand,
  checkpointCommand,
];

export type Surroundings = { io: Io; env: Environment; stop: AbortSignal; abort: AbortSignal };

/**
 * Runs a command line (without the program's own two words).
 * @throws UsageError, or what the command throws; returns normally after --help and --version.
 */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<void> {
  const program = buildProgram(surroundings);
  if (words.length === 0) {
    surroundings.io.out(program.helpInformation());
    throw new UsageError("no command given.", "studycast start --help");
  }
  try {
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    throw usageError(error, words);
  }
}

function usageError(error: CommanderError, words: readonly string[]): UsageError {
  const sentence = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
  const command = COMMANDS.find(({ name }) => name === words[0]);
  return new UsageError(`${sentence.replace(/[.]?$/, ".")}`, `studycast ${command ? `${command.name} ` : ""}--help`);
}

function buildProgram(surroundings: Surroundings): CommanderCommand {
  const { io } = surroundings;
  const program = new CommanderCommand("studycast")
    .description("Keeps a FHIR server's Patient, ImagingStudy and Endpoint in step with a DICOM service's change feed.")
    .version(version())
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: () => {}, outputError: () => {} })
    .addHelpText("after", () => `\nExit codes:\n${exitCodeText()}`);
  for (const command of COMMANDS) program.addCommand(buildCommand(command, surroundings));
  return program;
}

function exitCodeText(): string {
  return Object.entries(EXIT_CODES)
    .map(([code, meaning]) => `  ${code.padEnd(3)} ${meaning}\n`)
    .join("");
}

function buildCommand(command: Command, surroundings: Surroundings): CommanderCommand {
  const { io } = surroundings;
  const built = new CommanderCommand(command.name)
    .summary(command.summary)
    .description([command.summary, ...(command.details ?? [])].join("\n\n"))
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: io.out, writeErr: () => {}, outputError: () => {} });
  for (const { name, about } of command.args ?? []) built.addArgument(new Argument(name, about));
  for (const { flag, about } of command.flags ?? []) built.addOption(new CommanderOption(flag, about));
  const configOption = new CommanderOption(
    "--config <file>",
    `configuration file (default: ${CONFIG_FILE} when there is one)`,
  );
  built.addOption(configOption);
  for (const name of command.options) for (const option of optionFlags(name)) built.addOption(option);
  built.addHelpText(
    "after",
    () => `\nExamples:\n${command.examples.map((e) => `  ${e.command}\n      ${e.about}\n`).join("")}`,
  );
  built.action(() => command.run(contextOf(command, built, surroundings)));
  return built;
}

/** The flags of one option: its own unless it is a secret, and NAME_FILE where there is one. */
function optionFlags(name: OptionName): CommanderOption[] {
  const option: Option = OPTIONS[name];
  const make = (of: string, about: string) =>
    new CommanderOption(`${flagOf(of)} <${of.endsWith("_FILE") ? "file" : "value"}>`, about).helpGroup(
      `${GROUPS[option.group]}:`,
    );
  const flags = option.secret ? [] : [make(name, `${option.about}${defaultText(option)}`)];
  if (option.fileToo) flags.push(make(`${name}_FILE`, `File that holds ${name}.`));
  return flags;
}

function defaultText(option: Option): string {
  const value = option.default;
  return value === undefined || typeof value === "object" ? "" : ` (default: ${value})`;
}

function contextOf(command: Command, built: CommanderCommand, surroundings: Surroundings): Context {
  const flags: Record<string, unknown> = built.opts();
  const named = (name: string): [string, string][] => {
    const value = flags[camelCase(name)];
    return typeof value === "string" ? [[name, value]] : [];
  };
  const optionValues = Object.fromEntries(
    command.options.flatMap((name) => [...named(name), ...named(`${name}_FILE`)]),
  );
  const configFile = typeof flags["config"] === "string" ? flags["config"] : undefined;
  const input = () => configInput(optionValues, surroundings.env, configFile);
  return {
    ...surroundings,
    args: built.args,
    flags,
    version: version(),
    startConfig: () => accept(resolveConfig(input())),
    partConfig: (purpose) => accept(resolvePart(input(), purpose)),
  };
}

/** `DICOM_URL` → `dicomUrl`, commander's name for --dicom-url. */
function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
