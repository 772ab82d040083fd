/** Runs one endless sync against the Redis given, closes when told to on stdin, and must then end by itself. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { createHarness, study } from "./harness.ts";

const h = createHarness({ kind: "socket", path: process.argv[2] ?? "", db: 0 });
h.work(async (_, signal) => {
  process.stdout.write("running\n");
  await delay(600_000, undefined, { signal });
});
await h.mark({ study: study(1), priority: "live" });
await once(process.stdin, "data");
process.stdin.destroy();
await h.close();
process.stdout.write("closed\n");
