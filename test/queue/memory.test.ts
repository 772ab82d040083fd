import { expect, test } from "@jest/globals";
import { memoryUse } from "../../src/redis/index.ts";
import { studyId } from "../../src/study.ts";
import { startTestRedis } from "../support/redis.ts";
import { createHarness } from "./harness.ts";

test("a pending study, its job included, takes at most 2 kB of Redis' memory", async () => {
  const server = await startTestRedis(["--appendonly", "no"]);
  const h = createHarness(server.address, 1000);
  const studies = Array.from({ length: 5000 }, (_, n) =>
    studyId("Microsoft.Default", `1.3.6.1.4.1.14519.5.2.1.7009.2403.334240657131972136850${100_000 + n}`),
  );
  expect(studies[0]?.length).toBeGreaterThan(75);
  await h.mark({ study: studyId("p", "1"), priority: "live" });
  const before = (await memoryUse(server.redis)).used;
  await h.mark(...studies.map((study) => ({ study, priority: "live" }) as const));
  const bytes = ((await memoryUse(server.redis)).used - before) / studies.length;
  process.stderr.write(`${Math.round(bytes)} bytes per pending study\n`);
  expect(bytes).toBeLessThanOrEqual(2048);
  await h.close();
  await server.stop();
});
