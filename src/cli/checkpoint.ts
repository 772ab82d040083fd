/** `studycast checkpoint` */
import { randomUUID } from "node:crypto";
import { createAuthorize } from "../auth/index.ts";
import { createFeedClient, type Entry, initialCheckpoint, parseCheckpoint } from "../changefeed/index.ts";
import { identityOptions, type OptionName, optionList, type PartialConfig } from "../config.ts";
import { StudycastError, toStudycastError } from "../errors.ts";
import { REWRITING } from "../startup.ts";
import type { State } from "../state/index.ts";
import { type Command, type Context, UsageError } from "./command.ts";
import { withState } from "./open-state.ts";

export const checkpointCommand: Command = {
  name: "checkpoint",
  summary: "Shows or sets how far the feed has been read; accepts changed identity options.",
  details: [
    "`show` prints the ranges being read. `set N` forgets them and reads the feed from the entry after sequence N on; 0 reads it all. Nothing is lost by a lower number, and nothing is written twice; what a higher number leaves out, `resync` brings back. A running worker takes the new checkpoint up by itself.",
    "`--accept-identity` accepts the present DICOM_URL, PATIENT_ID_SYSTEM, ISSUER_SYSTEMS and ACCESSION_SYSTEM as those the state was written with; follow it with `studycast resync --all`.",
  ],
  args: [
    { name: "[action]", about: "show or set" },
    { name: "[sequence]", about: "for set: the last sequence that counts as read" },
  ],
  flags: [
    { flag: "--accept-identity", about: "accept the present identity options" },
    { flag: "--json", about: "with show: print JSON" },
  ],
  options: optionList().map(([name]): OptionName => name),
  examples: [
    { command: "studycast checkpoint show", about: "how far the feed has been read" },
    { command: "studycast checkpoint set 0", about: "reads the whole feed again" },
    { command: "studycast checkpoint --accept-identity", about: "after the DICOM service has moved" },
  ],
  json: [
    { member: "version", about: "version of the checkpoint's form" },
    {
      member: "ranges[]",
      about: "`id`, `from`, `to` (null: open), `scan`, `priority`, and the `holes[]` that may still be filled",
    },
  ],
  async run(context) {
    const [action, sequence] = context.args;
    const accept = context.flags["acceptIdentity"] === true;
    if (accept && action === undefined) return acceptIdentity(context);
    if (accept || (action !== "show" && action !== "set"))
      throw new UsageError("say show, set N or --accept-identity.", "studycast checkpoint --help");
    const config = context.partConfig("state");
    if (action === "show") return withState(config, context.stop, (state) => show(state, context));
    if (sequence === undefined || !/^\d{1,15}$/.test(sequence))
      throw new UsageError("set expects a sequence, a whole number.", "studycast checkpoint set 0");
    const latest = await latestEntry(config, context);
    if (latest !== undefined && Number(sequence) > latest.sequence)
      throw new UsageError(`the feed ends at ${latest.sequence}.`, `studycast checkpoint set ${latest.sequence}`);
    return withState(config, context.stop, (state) => set(Number(sequence), latest, state, context));
  },
};

async function show(state: State, { io, flags }: Context): Promise<void> {
  const stored = await state.checkpoint();
  if (stored.kind === "none")
    return io.out(flags["json"] === true ? "null\n" : "no checkpoint yet: FEED_START decides where reading starts\n");
  const checkpoint = parseCheckpoint(stored.text);
  if (flags["json"] === true) return io.out(`${JSON.stringify(checkpoint, null, 2)}\n`);
  const lines = checkpoint.ranges.map(
    ({ id, from, to, scan, holes, priority }) =>
      `${priority.padEnd(4)}  from ${from}  to ${to ?? "the end"}  read to ${scan}  ${holes.length} hole(s)  (${id})`,
  );
  io.out(`${lines.join("\n")}\n`);
}

/** The feed's end, so that what lies before it is read at low priority. A service that is away does not stop the operator. */
async function latestEntry(config: PartialConfig, { io, stop }: Context): Promise<Entry | undefined> {
  const { DICOM_URL: url, DICOM_TIMEOUT_MS: requestTimeoutMs, FEED_MAX_BYTES: maxBytes } = config;
  if (url === undefined) return undefined;
  const authorize = createAuthorize(config.dicomAuth, { service: "dicom", requestTimeoutMs, stop, now: Date.now });
  const feed = createFeedClient({ url, requestTimeoutMs, maxBytes, ...(authorize ? { authorize } : {}) });
  try {
    return await feed.latest(stop);
  } catch (thrown) {
    const { code } = toStudycastError(thrown);
    if (stop.aborted || code === "INTERNAL") throw thrown;
    io.err(
      `${code}: the end of the feed is not known, so all of it from there on is read at the priority of new images.\n`,
    );
    return undefined;
  }
}

/** A follower stores a page every few seconds, so that the write may have to be tried more than once. */
const TRIES = 50;

async function set(sequence: number, latest: Entry | undefined, state: State, { io }: Context): Promise<void> {
  // Asked for now, so that no study counts as read since: FHIR may have been emptied, or the DICOM service restored.
  const checkpoint = JSON.stringify(initialCheckpoint({ sequence }, latest, Date.now()));
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const stored = await state.checkpoint();
    const page = { expected: stored.kind === "none" ? null : stored.writeId, writeId: randomUUID(), checkpoint };
    if (!(await state.mark([], { page })).ok) continue;
    io.out(`the feed is read again from sequence ${sequence} on\n`);
    return;
  }
  throw new StudycastError("REDIS_UNAVAILABLE", { reason: "the worker stores pages faster than this command" });
}

async function acceptIdentity(context: Context): Promise<void> {
  const config = context.startConfig();
  await withState(config, context.stop, (state) => state.restamp(identityOptions(config), REWRITING));
  context.io.out("accepted; now `studycast resync --all` brings FHIR in step with it\n");
}
