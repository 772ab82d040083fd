/** `studycast start`: the worker. */
import { type OptionName, optionList } from "../config.ts";
import type { Command } from "./command.ts";

export const startCommand: Command = {
  name: "start",
  summary: "Follows the change feed and keeps FHIR in step, until it is stopped.",
  flags: [{ flag: "--dry-run", about: "show what would be written, and write nothing" }],
  options: optionList().map(([name]): OptionName => name),
  examples: [
    {
      command:
        "studycast start --dicom-url https://dicom.example --fhir-url https://fhir.example/fhir --patient-id-system https://hospital.example/mrn",
      about: "runs the worker with a Redis of its own in ./studycast-data",
    },
    { command: "studycast start --dry-run", about: "shows what would be written" },
  ],
  async run(context) {
    context.startConfig();
    throw new Error("the worker is not wired yet");
  },
};
