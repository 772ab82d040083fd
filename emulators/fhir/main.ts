/** `node emulators/fhir/main.ts [--port P] [--host H] [--hapi] [--search-cache-ms N] [--fhir-version V] [--no-update-create] [--history N] [--parent-pipe]` */
import { parseArgs } from "node:util";
import { startFhirEmulator } from "./index.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    host: { type: "string", default: "127.0.0.1" },
    hapi: { type: "boolean", default: false },
    "search-cache-ms": { type: "string" },
    "fhir-version": { type: "string", default: "4.0.1" },
    "no-update-create": { type: "boolean", default: false },
    history: { type: "string" },
    "parent-pipe": { type: "boolean", default: false },
  },
});
const cache = values["search-cache-ms"];
const emulator = await startFhirEmulator({
  port: Number(values.port),
  host: values.host,
  hapi: values.hapi,
  fhirVersion: values["fhir-version"],
  updateCreate: !values["no-update-create"],
  ...(cache === undefined ? {} : { searchCacheMs: Number(cache) }),
  ...(values.history === undefined ? {} : { historyLimit: Number(values.history) }),
});
process.stdout.write(`READY http://${values.host}:${emulator.port}\n`);

const stop = (): void => {
  void emulator.close().then(() => process.exit(0));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
if (values["parent-pipe"]) process.stdin.on("end", stop).on("error", stop).resume();
