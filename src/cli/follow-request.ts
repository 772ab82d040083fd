/** Stores a request and shows how far it is, until it is done or the operator has seen enough. The request itself goes on without the command. */
import { StudycastError } from "../errors.ts";
import type { Request } from "../request.ts";
import type { State, StoredRequest } from "../state/index.ts";
import { readStatus } from "../status.ts";
import { sleep } from "../time.ts";
import type { Context, Flag } from "./command.ts";

const LOOK_MS = 300;
/** How long nobody may take the request up before the command says so. */
const UNTAKEN_MS = 5000;

export const REQUEST_FLAGS: readonly Flag[] = [
  { flag: "--no-wait", about: "store the request and return at once" },
  { flag: "--json", about: "print the request as JSON" },
];
export const REQUEST_JSON = [
  { member: "id", about: "id of the request" },
  { member: "command", about: "what was asked for" },
  { member: "state", about: "waiting, running, done or failed" },
  {
    member: "done, total",
    about:
      "studies marked so far and how many there will be (for --changed-since: sequences of the feed); `total` is absent while it is not known",
  },
  { member: "code", about: "error code, when it failed" },
] as const;

/** @throws StudycastError with the request's code when it failed */
export async function carryOutRequest(request: Request, state: State, source: string, context: Context): Promise<void> {
  const { io, flags, stop } = context;
  const id = await state.addRequest(request);
  const ended = flags["wait"] === false ? undefined : await follow(id, state, source, context);
  if (io.isTerminal) io.err("\r\u001b[K");
  if (flags["json"] === true) io.out(`${JSON.stringify((await state.request(id)) ?? { id }, null, 2)}\n`);
  if (ended === undefined) {
    if (flags["json"] !== true)
      io.out(`request ${id} is stored; a worker carries it out, \`studycast status\` shows how far it is\n`);
    return;
  }
  if (ended.state === "failed") throw new StudycastError(ended.code ?? "INTERNAL", { request: id });
  if (flags["json"] !== true && !stop.aborted) io.out(`request ${id} is done: ${doneText(request, ended)}\n`);
}

function doneText(request: Request, { done }: StoredRequest): string {
  if (request.kind === "changed")
    return "the feed between these times is being read again; `studycast status` shows how far it is";
  return `${done} ${done === 1 ? "study is" : "studies are"} marked; they are synced as \`studycast status\` shows`;
}

/** The request once it has ended; undefined when the operator stopped looking. */
async function follow(
  id: string,
  state: State,
  source: string,
  { io, stop }: Context,
): Promise<StoredRequest | undefined> {
  const startedMs = Date.now();
  let told = false;
  while (!stop.aborted) {
    const now = await state.request(id);
    if (now === undefined || now.state === "done" || now.state === "failed") return now;
    if (now.state === "waiting" && !told && Date.now() - startedMs > UNTAKEN_MS) {
      const { worker } = await readStatus(state, source, Date.now());
      if (!worker?.alive)
        io.err("No worker runs at the moment; the request waits for one. Ctrl-C does not take it back.\n");
      told = true;
    }
    if (io.isTerminal) io.err(`\r\u001b[K${bar(now)}`);
    await sleep(LOOK_MS, stop);
  }
  return undefined;
}

function bar({ state, done, total }: StoredRequest): string {
  if (total === undefined || total === 0) return `${state}  ${done}`;
  const width = 30;
  const filled = Math.round((Math.min(done, total) / total) * width);
  return `${state}  [${"#".repeat(filled)}${".".repeat(width - filled)}]  ${done} of ${total}`;
}
