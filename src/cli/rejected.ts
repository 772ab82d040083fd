/** `studycast rejected` */
import { errorRow } from "../errors.ts";
import type { RejectedFeedEntry, RejectedStudy } from "../state/index.ts";
import { type Command, STATE_OPTIONS } from "./command.ts";
import { withState } from "./open-state.ts";

const LIMIT = 10_000;

export const rejectedCommand: Command = {
  name: "rejected",
  summary: "Lists what could not be brought to FHIR: instances left out of their study, and unusable feed entries.",
  details: [
    "An instance leaves the list when its study is synced without trouble. UIDs, tags and codes only, no values.",
  ],
  flags: [{ flag: "--json", about: "print JSON" }],
  options: STATE_OPTIONS,
  examples: [{ command: "studycast rejected", about: "one line per instance, with what to do" }],
  json: [
    {
      member: "studies[]",
      about: "`study`, `count` of its rejected instances, and the first 50 of them as `instances[]`",
    },
    { member: "studies[].instances[]", about: "`series`, `sop`, `code`, `tag`; members that are not known are absent" },
    {
      member: "feedEntries[]",
      about: "`sequence`, `code`, `what` (the member that is missing or wrong); the newest 1000",
    },
  ],
  async run({ partConfig, flags, io, stop }) {
    const rejected = await withState(partConfig("state"), stop, async (state) => ({
      studies: await state.rejectedInstances(LIMIT),
      feedEntries: await state.rejectedEntries(1000),
    }));
    io.out(
      flags["json"] === true
        ? `${JSON.stringify(rejected, null, 2)}\n`
        : rejectedText(rejected.studies, rejected.feedEntries),
    );
  },
};

function rejectedText(studies: readonly RejectedStudy[], entries: readonly RejectedFeedEntry[]): string {
  if (studies.length === 0 && entries.length === 0) return "nothing is rejected\n";
  const codes = new Set([
    ...studies.flatMap(({ instances }) => instances.map(({ code }) => code)),
    ...entries.map(({ code }) => code),
  ]);
  const lines = [
    ...studies.flatMap(studyLines),
    ...entries.map(({ sequence, code, what }) => `feed entry ${sequence ?? "?"}  ${code} ${what}`),
  ];
  const hints = [...codes].map((code) => `${code}: ${errorRow(code).message} ${errorRow(code).hint}`);
  return `${[...lines, "", ...hints].join("\n")}\n`;
}

function studyLines({ study, count, instances }: RejectedStudy): string[] {
  const more = count - instances.length;
  return [
    `study ${study}: ${count} rejected`,
    ...instances.map(
      ({ sop, series, code, tag }) =>
        `  ${code}${tag ? ` ${tag}` : ""}  instance ${sop ?? "?"} of series ${series ?? "?"}`,
    ),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}
