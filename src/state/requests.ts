/**
 * What operators have asked for, kept until it is done: the command writes the request and may go away; the process that follows the feed carries it out,
 * and after a crash the next one goes on. Only the holder of the lease changes a request once it is there.
 *
 * A request holds no patient data: a command that was given a patient ID looks up the studies first and asks for these.
 */
import { randomBytes } from "node:crypto";
import type { ErrorCode } from "../errors.ts";
import type { RedisClient } from "../redis/index.ts";
import type { Keys } from "./keys.ts";
import { guard } from "./script.ts";

/** What is asked for; `kind` names the command, the rest are its arguments. JSON only. */
export type RequestCommand = { readonly kind: string; readonly [argument: string]: unknown };
export type RequestProgress = {
  /** Studies marked so far, and how many there will be, where that is known. */
  done: number;
  total?: number;
  /** Where to go on after an interruption; its meaning is the command's own. */
  position?: string;
};
export type StoredRequest<Command extends RequestCommand = RequestCommand> = RequestProgress & {
  id: string;
  command: Command;
  state: "waiting" | "running" | "done" | "failed";
  code?: ErrorCode;
  createdMs: number;
  updatedMs: number;
};

const FINISHED_KEPT = 50;

export function requests(redis: RedisClient, keys: Keys, now: () => number) {
  async function list(): Promise<StoredRequest[]> {
    const stored = await guard(redis.hgetall(keys.requests));
    const all = Object.values(stored).map((text) => JSON.parse(text) as StoredRequest);
    return all.sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
  }

  const write = (request: StoredRequest) => guard(redis.hset(keys.requests, request.id, JSON.stringify(request)));

  async function change(id: string, changes: Partial<StoredRequest>): Promise<void> {
    const text = await guard(redis.hget(keys.requests, id));
    if (text !== null) await write({ ...(JSON.parse(text) as StoredRequest), ...changes, updatedMs: now() });
  }

  return {
    async addRequest(command: RequestCommand): Promise<string> {
      const finished = (await list()).filter(({ state }) => state === "done" || state === "failed");
      const old = finished.slice(0, Math.max(0, finished.length - FINISHED_KEPT)).map(({ id }) => id);
      if (old.length > 0) await guard(redis.hdel(keys.requests, ...old));
      const createdMs = now();
      const id = `${createdMs.toString(36)}-${randomBytes(4).toString("hex")}`;
      await write({ id, command, state: "waiting", done: 0, createdMs, updatedMs: createdMs });
      return id;
    },

    /** All requests known, the oldest first. */
    requestList: list,

    async request(id: string): Promise<StoredRequest | undefined> {
      const text = await guard(redis.hget(keys.requests, id));
      return text === null ? undefined : (JSON.parse(text) as StoredRequest);
    },

    /** The oldest request that is not finished, now running; one that was interrupted comes again with its progress. */
    async claimRequest(): Promise<StoredRequest | undefined> {
      const next = (await list()).find(({ state }) => state === "waiting" || state === "running");
      if (next === undefined) return undefined;
      await change(next.id, { state: "running" });
      return { ...next, state: "running" };
    },

    updateRequest: (id: string, progress: RequestProgress): Promise<void> => change(id, progress),

    finishRequest: (id: string, end: { state: "done" } | { state: "failed"; code: ErrorCode }): Promise<void> =>
      change(id, end),
  };
}
