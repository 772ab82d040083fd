import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type FastifyInstance, fastify } from "fastify";
import { StudycastError } from "../../src/errors.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { createHarness, type Harness, study, until } from "./harness.ts";

let server: TestRedis;
let h: Harness;
let app: FastifyInstance;
let base: string;
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.redis.flushall();
  h = createHarness(server.address);
  const board = new FastifyAdapter();
  const adapter = h.queue.dashboardAdapter({ retry: (id) => h.mark({ study: id, priority: "live" }) });
  createBullBoard({ queues: [adapter], serverAdapter: board });
  board.setBasePath("/queues");
  app = fastify();
  await app.register(board.registerPlugin(), { prefix: "/queues" });
  base = `${await app.listen({ port: 0, host: "127.0.0.1" })}/queues/api/queues/sync`;
});
afterEach(async () => {
  await app.close();
  await h.close();
});

const put = (path: string) => fetch(`${base}/${path}`, { method: "PUT" });

describe("the dashboard", () => {
  test("retries one failed study, or all, in order: never two syncs of one study at a time, nothing left over", async () => {
    let broken = true;
    let most = 0;
    const running = new Map<string, number>();
    h.work(async ({ study: id }) => {
      const now = (running.get(id) ?? 0) + 1;
      running.set(id, now);
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 40));
      running.set(id, now - 1);
      if (broken) throw new StudycastError("FHIR_REJECTED");
    });
    const all = Array.from({ length: 9 }, (_, n) => ({ study: study(n), priority: "live" }) as const);
    await h.mark(...all);
    await until("all have failed", async () => (await h.queue.counts()).failed === 9);
    broken = false;
    const keys = await server.redis.zrange("studycast:{s1}:queue:sync:failed", "0", "0");
    expect((await put(`${keys[0]}/retry`)).ok).toBe(true);
    await until("one is synced", async () => (await h.state.counts()).failed === 8);
    expect((await put("retry/failed")).ok).toBe(true);
    await h.mark(...all);
    await until("all are synced", async () => {
      const { pending, failed } = await h.state.counts();
      return pending + failed === 0;
    });
    expect(most).toBe(1);
    expect((await h.queue.counts()).failed).toBe(0);
  });

  test("cannot lose the job of a pending study, nor add one", async () => {
    await h.queue.enqueue([{ study: study(1), delayMs: 60_000, priority: "live", pull: false }]);
    for (const path of ["1/clean", "clean/delayed", "empty"]) expect((await put(path)).status).toBe(500);
    await put("pause");
    expect((await put("obliterate?force=true")).ok).toBe(false);
    const added = await fetch(`${base}/add`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "sync", data: { study: study(2) }, options: {} }),
    });
    expect(added.status).toBe(500);
    expect(await h.queue.withoutCarrier([study(1), study(2)])).toEqual([study(2)]);
    expect(await h.queue.counts()).toMatchObject({ delayed: 1, waiting: 0 });
  });

  test("its promote brings a waiting study forward and nothing else", async () => {
    const ran: string[] = [];
    await h.queue.enqueue([{ study: study(1), delayMs: 60_000, priority: "live", pull: false }]);
    h.work(async (job) => void ran.push(job.study));
    await put("promote");
    await until("it ran", () => ran.length === 1);
  });
});
