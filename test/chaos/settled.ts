/** Whether all is done: the feed read to its end with no hole open and nothing to be read again, no request open, nothing pending, nothing failed. */
import { parseCheckpoint } from "../../src/changefeed/index.ts";
import type { RedisClient } from "../../src/redis/index.ts";
import { createState } from "../../src/state/index.ts";

/** Only reading needs none of these but the source. */
const STATE_OPTIONS = { graceMs: 1000, settle: { minMs: 0, maxMs: 200, factor: 10, burstEndMs: 60_000 } };

/** What is missing, asked in the order in which work flows; undefined: nothing. */
export async function whatIsMissing(
  redis: RedisClient,
  sourceId: string,
  dicomUrl: string,
): Promise<string | undefined> {
  const state = createState(redis, { ...STATE_OPTIONS, sourceId });
  const answer = await fetch(`${dicomUrl}/v1/changefeed/latest?includeMetadata=false`);
  const entry = answer.status === 200 ? ((await answer.json()) as { Sequence?: number; sequence?: number }) : {};
  const latest = entry.Sequence ?? entry.sequence ?? 0;
  const stored = await state.checkpoint();
  if (stored.kind === "none") return latest === 0 ? undefined : "no checkpoint is stored";
  const { ranges } = parseCheckpoint(stored.text);
  const open = ranges.find(({ to }) => to === null);
  if (open === undefined) return `no range is open: ${stored.text}`;
  if (open.scan !== latest) return `the feed is read to ${open.scan} of ${latest}`;
  if (ranges.some(({ holes }) => holes.length > 0) || ranges.length > 1)
    return `holes or ranges are open: ${stored.text}`;
  const { pending, failed, rejected } = await state.counts();
  if (pending > 0) return `${pending} pending: ${JSON.stringify(await state.pending(5))}`;
  // A study that could not be read at all is looked at again by itself.
  const forGood = (await state.failed(100)).filter(({ code }) => code !== "INSTANCE_UNREADABLE");
  if (forGood.length > 0) return `${failed} failed: ${JSON.stringify(forGood.slice(0, 5))}`;
  if (failed > 0) return "a study could not be read";
  if (rejected > 0) return `instances are left out: ${JSON.stringify(await state.rejectedInstances(5))}`;
  return undefined;
}
