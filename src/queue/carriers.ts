/**
 * Which studies have a job that will run, and bringing such a job forward. Reads BullMQ's own keys (6.7: `de:<id>` names the job that holds the
 * deduplication id, `<job id>` is its hash, `delayed` is scored by time × 4096), because its API has no atomic question for them.
 */
import type { Queue } from "bullmq";
import { type RedisClient, redisError } from "../redis/index.ts";
import type { JobOrder } from "../state/index.ts";
import type { StudyId } from "../study.ts";
import { priorityNumber } from "./job.ts";

/**
 * KEYS the deduplication keys. ARGV 1 key prefix of jobs. Returns the numbers (from 1) of those without a job that waits, is delayed or runs.
 * A key left behind by a job that has ended is removed, as it would swallow the next add.
 */
const WITHOUT_CARRIER = `
local without = {}
for i, key in ipairs(KEYS) do
  local id = redis.call('GET', key)
  local jobKey = id and ARGV[1] .. id
  if not id or redis.call('EXISTS', jobKey) == 0 then
    without[#without + 1] = i
  elseif redis.call('HEXISTS', jobKey, 'finishedOn') == 1 then
    redis.call('DEL', key)
    without[#without + 1] = i
  end
end
return without`;

const CHUNK = 500;

/** Those of the studies that have no job. */
export async function studiesWithoutCarrier(
  redis: RedisClient,
  queue: Queue,
  studies: readonly StudyId[],
): Promise<StudyId[]> {
  const without: StudyId[] = [];
  for (let at = 0; at < studies.length; at += CHUNK) {
    const chunk = studies.slice(at, at + CHUNK);
    const keys = chunk.map((study) => queue.toKey(`de:${study}`));
    const numbers = (await askRedis(redis, keys, [queue.toKey("")])) as number[];
    for (const number of numbers) {
      const study = chunk[number - 1];
      if (study !== undefined) without.push(study);
    }
  }
  return without;
}

async function askRedis(redis: RedisClient, keys: readonly string[], args: readonly string[]): Promise<unknown> {
  try {
    return await redis.eval(WITHOUT_CARRIER, keys.length, ...keys, ...args);
  } catch (error) {
    throw redisError(error);
  }
}

/**
 * Brings the study's job forward, if one lies delayed for longer or with a lower priority than ordered. When the job starts meanwhile, nothing is to
 * be done: the study was marked before, so the sync that starts sees the change.
 */
export async function pullForward(redis: RedisClient, queue: Queue, order: JobOrder): Promise<void> {
  const jobId = await queue.getDeduplicationJobId(order.study);
  const job = jobId === null ? undefined : await queue.getJob(jobId);
  if (job?.id === undefined || job.finishedOn !== undefined) return;
  if (order.priority === "live" && job.priority > 0)
    await unlessGone(job.changePriority({ priority: priorityNumber("live") }));
  const score = await redis.zscore(queue.toKey("delayed"), job.id);
  if (score !== null && Number(score) / 0x1000 > Date.now() + order.delayMs)
    await unlessGone(job.changeDelay(order.delayMs));
}

/**
 * Makes jobs due that lie delayed for longer than `longestMs` from now: BullMQ scores them by the clock of the process that delayed them, and that clock
 * has been set back since (or is another process's). At most a chunk of them; the number.
 */
export async function pullStray(redis: RedisClient, queue: Queue, longestMs: number): Promise<number> {
  const from = String((Date.now() + longestMs) * 0x1000);
  const ids = await redis.zrangebyscore(queue.toKey("delayed"), from, "+inf", "LIMIT", 0, CHUNK);
  for (const id of ids) {
    const job = await queue.getJob(id);
    if (job !== undefined) await unlessGone(job.changeDelay(0));
  }
  return ids.length;
}

/** How many delayed jobs are due. */
export function countDue(redis: RedisClient, queue: Queue, nowMs: number): Promise<number> {
  return redis.zcount(queue.toKey("delayed"), "-inf", String(nowMs * 0x1000));
}

/** BullMQ's "no such job" and "not in that state" (codes -1, -3): it has started or ended in between. */
async function unlessGone(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    if (code !== -1 && code !== -3) throw error;
  }
}

/** Removes a job that has ended; one that is alive, or already gone, is left alone. */
export async function removeEnded(queue: Queue, jobId: string): Promise<void> {
  const job = await queue.getJob(jobId);
  if (job?.finishedOn === undefined) return;
  try {
    await job.remove();
  } catch (error) {
    if ((await queue.getJob(jobId)) !== undefined) throw error; // somebody else was faster
  }
}
