/** `node emulators/fault-proxy/main.ts --target URL [--port P] [--latency MS] [--parent-pipe]` */
import { parseArgs } from "node:util";
import { startFaultProxy } from "./index.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    port: { type: "string", default: "0" },
    latency: { type: "string", default: "0" },
    "parent-pipe": { type: "boolean", default: false },
  },
});
if (values.target === undefined) {
  process.stderr.write("--target URL is needed: the server to stand before\n");
  process.exit(2);
}
const proxy = await startFaultProxy({
  target: values.target,
  port: Number(values.port),
  latencyMs: Number(values.latency),
});
process.stdout.write(`READY http://127.0.0.1:${proxy.port}\n`);

const stop = (): void => {
  void proxy.close().then(() => process.exit(0));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
if (values["parent-pipe"]) process.stdin.on("end", stop).on("error", stop).resume();
