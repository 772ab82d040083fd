/**
 * Is this still the feed the checkpoint was made from? A service that was restored or made anew, or another one behind the same URL, starts its
 * sequences again: going on would skip everything it holds.
 */

import { toStudycastError } from "../errors.ts";
import { sleep } from "../time.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { LIVE_RANGE } from "./checkpoint.ts";
import type { FeedClient } from "./client.ts";

/** Before a feed that ends too early counts as reset it is asked again after this time: a replica of the service may lag. */
const SECOND_LOOK_MS = 500;

/** The greatest sequence of the feed (0 when it is empty), or `reset`. */
export async function readLatest(
  client: FeedClient,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<number | "reset"> {
  const scan = checkpoint.ranges.find(({ id }) => id === LIVE_RANGE)?.scan ?? 0;
  const first = (await client.latest(signal))?.sequence ?? 0;
  if (first >= scan) return first;
  await sleep(SECOND_LOOK_MS, signal);
  const second = (await client.latest(signal))?.sequence ?? 0;
  return second >= scan ? second : "reset";
}

/** Whether the stored sample entry reads back as it was. An entry that cannot be read at the moment says nothing. */
export async function sampleReadsBack(
  client: FeedClient,
  { sample }: Checkpoint,
  signal: AbortSignal,
): Promise<boolean> {
  if (sample === undefined) return true;
  try {
    const { entries } = await client.page(sample.sequence - 1, 1, signal);
    const entry = entries.find(({ sequence }) => sequence === sample.sequence);
    return entry?.study === sample.study && entry.series === sample.series && entry.sop === sample.sop;
  } catch (thrown) {
    const { code, detail } = toStudycastError(thrown);
    if (code === "FEED_RESPONSE" || (code === "FEED_UNAVAILABLE" && detail["status"] !== undefined)) return true;
    throw thrown;
  }
}
