/** The demo's command line. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { UsageError } from "../../src/cli/command.ts";

export type DemoArguments = {
  /** Folder of DICOM files to store; undefined: the generated hospital day. */
  dicom: string | undefined;
  /** End when everything is synced. */
  once: boolean;
  /** The counts as JSON on standard output, everything else on standard error. */
  json: boolean;
  /** File for the FHIR server's resources as NDJSON. */
  dump: string | undefined;
};

export const USAGE = `npm run demo [-- --dicom DIR] [--once] [--json] [--dump FILE]

Starts a DICOM service, a FHIR server, a Redis and the worker on free ports of this machine, and stores DICOM files.

  --dicom DIR   store the files of this folder instead of a generated hospital day
  --once        end when everything is synced; exit code 0 only if nothing failed
  --json        print the counts as JSON on standard output, and everything else on standard error
  --dump FILE   write the FHIR server's resources to FILE, one JSON object per line
`;

/** @throws UsageError */
export function demoArguments(words: readonly string[]): DemoArguments | "help" {
  const { dicom, once, json, dump, help } = parse(words);
  if (help) return "help";
  if (dicom !== undefined && !statSync(dicom, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`--dicom: ${dicom} is no folder.`, "npm run demo -- --help");
  if (dump !== undefined && !mayWrite(dump))
    throw new UsageError(`--dump: ${dump} cannot be written.`, "npm run demo -- --help");
  return { dicom, once, json, dump };
}

/** Before the work, not after it. */
function mayWrite(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    accessSync(found === undefined ? dirname(path) : path, constants.W_OK);
    return found?.isDirectory() !== true;
  } catch {
    return false;
  }
}

function parse(words: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        dicom: { type: "string" },
        once: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        dump: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    return { dicom: undefined, dump: undefined, ...values };
  } catch (thrown) {
    // node's own sentence names the argument; what follows it is advice about "--"
    const sentence = Error.isError(thrown) ? thrown.message.split(". ")[0] : String(thrown);
    throw new UsageError(`${sentence}.`, "npm run demo -- --help");
  }
}
