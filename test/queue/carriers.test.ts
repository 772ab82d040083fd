import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { createHarness, type Harness, study, until } from "./harness.ts";

const STUDIES = 40;
let server: TestRedis;
let outside: TestRedis;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  server = await startTestRedis();
  outside = await startTestRedis();
});
afterEach(async () => {
  await Promise.all([...children].map(kill));
});
afterAll(async () => {
  await server.stop();
  await outside.stop();
});

async function startChild(file: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  if (child.stdout) await once(child.stdout, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

/**
 * Asks Redis, at one moment, for the jobs of each study that wait, are delayed or run.
 * KEYS wait, active, prioritized, delayed, live, low. ARGV job key prefix. Returns studies with more than one job, and pending ones with none.
 */
const CENSUS = `
local jobs, pending, double, none = {}, {}, {}, {}
local function count(ids)
  for _, id in ipairs(ids) do
    local data = redis.call('HGET', ARGV[1] .. id, 'data')
    if data then
      local study = cjson.decode(data).study
      jobs[study] = (jobs[study] or 0) + 1
    end
  end
end
for i = 1, 2 do count(redis.call('LRANGE', KEYS[i], 0, -1)) end
for i = 3, 4 do count(redis.call('ZRANGE', KEYS[i], 0, -1)) end
for study, n in pairs(jobs) do if n > 1 then double[#double + 1] = study end end
for i = 5, 6 do
  for _, study in ipairs(redis.call('ZRANGE', KEYS[i], 0, -1)) do
    if not jobs[study] then none[#none + 1] = study end
  end
end
return {double, none}`;

async function census(): Promise<{ double: string[]; none: string[] }> {
  const queue = "studycast:{s1}:queue:sync:";
  const keys = ["wait", "active", "prioritized", "delayed"].map((name) => `${queue}${name}`);
  const sets = ["live", "low"].map((name) => `studycast:{s1}:${name}`);
  const reply = await server.redis.eval(CENSUS, 6, ...keys, ...sets, queue);
  const [double = [], none = []] = reply as string[][];
  return { double, none };
}

type Log = { n: number; version: number }[];

/** Changes a few studies in the outside world and marks them; `log` is what a follower would read again after a rollback. */
async function change(h: Harness, versions: number[], log: Log): Promise<void> {
  const changed = Array.from({ length: 5 }, () => Math.floor(Math.random() * STUDIES));
  for (const n of changed) {
    versions[n] = (versions[n] ?? 0) + 1;
    log.push({ n, version: versions[n] ?? 0 });
    await outside.redis.set(`content:${study(n)}`, String(versions[n]));
  }
  await markAll(h, changed);
}

const markAll = (h: Harness, numbers: number[]) =>
  h.mark(...[...new Set(numbers)].map((n) => ({ study: study(n), priority: n % 4 === 0 ? "low" : "live" }) as const));

async function retryAllInDashboard(h: Harness): Promise<void> {
  const adapter = h.queue.dashboardAdapter({ retry: (id) => h.mark({ study: id, priority: "live" }) });
  for (const job of await adapter.getJobs(["failed"])) await job.retry();
}

/** Everything the outside world was changed to has arrived, and nothing is left over. */
async function expectAllSynced(h: Harness, versions: number[]): Promise<void> {
  await outside.redis.set("trouble", "0");
  await h.heal();
  await until(
    "all is synced",
    async () => {
      await h.heal(); // as the worker does every so often
      for await (const failed of h.state.allFailed())
        for (const id of failed) await h.mark({ study: id, priority: "live" });
      const { pending, failed } = await h.state.counts();
      return pending + failed === 0;
    },
    20_000,
  );
  const fhir = await outside.redis.mget(versions.map((_, n) => `fhir:${study(n)}`));
  expect(fhir.map((version) => version ?? "")).toEqual(
    versions.map((version) => (version === 0 ? "" : String(version))),
  );
}

async function reset(): Promise<{ h: Harness; versions: number[]; log: Log }> {
  await server.redis.flushall();
  await outside.redis.flushall();
  await outside.redis.set("trouble", "1");
  return { h: createHarness(server.address, 5), versions: Array.from({ length: STUDIES }, () => 0), log: [] };
}

const startWorkerProcess = () => startChild("worker-child.ts", server.socketPath, outside.socketPath);

describe("every pending study always has exactly one carrier", () => {
  test("under changes, permanent and transient failures, pauses and dashboard retries, with two processes", async () => {
    const { h, versions, log } = await reset();
    await Promise.all([startWorkerProcess(), startWorkerProcess()]);
    for (let round = 0; round < 80; round++) {
      await change(h, versions, log);
      expect(await census()).toEqual({ double: [], none: [] });
      if (round % 15 === 14) await retryAllInDashboard(h);
      await delay(Math.random() * 40);
    }
    expect(await census()).toEqual({ double: [], none: [] });
    await expectAllSynced(h, versions);
    expect((await census()).double).toEqual([]);
    await h.close();
  }, 60_000);

  test("also when processes are killed again and again", async () => {
    const { h, versions, log } = await reset();
    const workers = await Promise.all([startWorkerProcess(), startWorkerProcess()]);
    for (let round = 0; round < 8; round++) {
      for (let n = 0; n < 5; n++) {
        await change(h, versions, log);
        await delay(Math.random() * 40);
        expect((await census()).double).toEqual([]);
      }
      const victim = workers.shift();
      if (victim) await kill(victim);
      workers.push(await startWorkerProcess());
      if (round % 4 === 3) await retryAllInDashboard(h);
    }
    await h.heal();
    expect(await census()).toEqual({ double: [], none: [] });
    await expectAllSynced(h, versions);
    await h.close();
  }, 60_000);

  test("also when Redis is killed and restarted, or goes back to an older state, under living workers", async () => {
    const { h, versions, log } = await reset();
    await Promise.all([startWorkerProcess(), startWorkerProcess()]);
    for (let round = 0; round < 6; round++) {
      const copy = await server.copy();
      const readAgain = log.length;
      for (let n = 0; n < 5; n++) {
        await change(h, versions, log);
        await delay(Math.random() * 40);
      }
      if (round % 2 === 0) await server.restart();
      else {
        await server.rollback(copy);
        await markAll(
          h,
          log.slice(readAgain).map(({ n }) => n),
        );
      }
      await delay(100);
      await h.heal();
      expect((await census()).double).toEqual([]);
    }
    await expectAllSynced(h, versions);
    expect(await census()).toEqual({ double: [], none: [] });
    await h.close();
  }, 90_000);
});

describe("a worker that is closed while Redis is dead", () => {
  async function closeWith(trouble: () => Promise<void> | void): Promise<number> {
    const child = await startChild("close-child.ts", server.socketPath);
    await trouble();
    const before = Date.now();
    const exit = once(child, "exit");
    child.stdin?.write("close\n");
    expect(await exit).toEqual([0, null]);
    return Date.now() - before;
  }

  test("ends by itself soon after its deadline when Redis was killed", async () => {
    await server.redis.flushall();
    expect(await closeWith(() => server.kill())).toBeLessThan(4500);
    await server.restart();
    await until("it answers", () => server.redis.ping().then(() => true));
  });

  test("ends by itself soon after its deadline when Redis is frozen", async () => {
    await server.redis.flushall();
    try {
      expect(await closeWith(() => server.freeze())).toBeLessThan(4500);
    } finally {
      server.thaw();
    }
  });
});
