/** `studycast retry` */
import type { Request } from "../request.ts";
import { type Command, STATE_OPTIONS, UsageError } from "./command.ts";
import { carryOutRequest, REQUEST_FLAGS, REQUEST_JSON } from "./follow-request.ts";
import { withState } from "./open-state.ts";
import { studyIds } from "./study-arguments.ts";

export const retryCommand: Command = {
  name: "retry",
  summary: "Gives failed studies a fresh try.",
  flags: [
    { flag: "--study <uid...>", about: "StudyInstanceUID, or partition/StudyInstanceUID" },
    { flag: "--all", about: "all failed studies" },
    ...REQUEST_FLAGS,
  ],
  options: STATE_OPTIONS,
  examples: [
    { command: "studycast retry --study 1.2.840.113619.2.1", about: "one study" },
    { command: "studycast retry --all", about: "all, after the cause has been removed" },
  ],
  json: REQUEST_JSON,
  async run(context) {
    const { flags } = context;
    const studies = studyIds(flags["study"]);
    if (studies.length > 0 === (flags["all"] === true))
      throw new UsageError("give either --study or --all.", "studycast retry --help");
    const request: Request = { kind: "retry", studies: studies.length > 0 ? studies : "all" };
    const config = context.partConfig("state");
    await withState(config, context.stop, (state) => carryOutRequest(request, state, config.SOURCE_ID, context));
  },
};
