/** `studycast status` */
import { statusText } from "../http/index.ts";
import { readStatus } from "../status.ts";
import { type Command, STATE_OPTIONS } from "./command.ts";
import { withState } from "./open-state.ts";

export const statusCommand: Command = {
  name: "status",
  summary: "Shows where the worker is, what is pending and what failed.",
  details: ["Reads Redis itself, so it works while the worker is dead (with the embedded Redis: while `start` runs)."],
  flags: [{ flag: "--json", about: "print JSON" }],
  options: STATE_OPTIONS,
  examples: [
    { command: "studycast status", about: "for a person" },
    { command: "studycast status --json | jq .studies.failed", about: "for a script" },
  ],
  json: [
    { member: "source", about: "SOURCE_ID" },
    { member: "at", about: "when the status was read; all times are ISO 8601 in UTC" },
    {
      member: "worker",
      about:
        "what a worker last wrote of itself (`version`, `url`, `startedAt`, `updatedAt`, `ready.ok`, `ready.reasons`, `pauses`); `alive` is false when it has not written for 20 s; null when none ever ran",
    },
    {
      member: "feed.state",
      about: "following, catching-up, degraded, backpressure, stopped, or unknown while no worker is alive",
    },
    { member: "feed.code", about: "error code of the trouble, or null" },
    {
      member: "feed.latest, feed.scan",
      about: "last sequence of the feed as last seen, and the sequence up to which it has been read; or null",
    },
    {
      member: "feed.ranges[]",
      about: "`id`, `priority`, `from`, `to` (null: open), `scan`, `holes` of each range being read",
    },
    { member: "feed.rejectedEntries", about: "feed entries without usable UIDs, ever" },
    {
      member: "studies.pending, .pendingLow",
      about: "studies marked and not yet synced; those of low priority among them",
    },
    { member: "studies.waiting", about: "pending studies by the error code of what they wait for" },
    { member: "studies.failed", about: "studies that need a person" },
    { member: "studies.withRejectedInstances", about: "studies whose last sync left instances out" },
    { member: "studies.oldestPendingSeconds", about: "age of the study that has been pending for longest, or null" },
    { member: "failed[]", about: "the newest failed studies: `study`, `code`, `hint`, `since`" },
    {
      member: "pending[]",
      about: "the studies pending for longest: `study`, `since`, `code` when it waits for something",
    },
    {
      member: "requests[]",
      about: "operators' requests: `id`, `command`, `state` (waiting, running, done, failed), `done`, `total`, `code`",
    },
  ],
  async run({ partConfig, flags, io, stop }) {
    const config = partConfig("state");
    const status = await withState(config, stop, (state) => readStatus(state, config.SOURCE_ID, Date.now()));
    io.out(flags["json"] === true ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
  },
};
