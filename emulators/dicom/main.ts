import { parseArgs } from "node:util";
import { startDicomEmulator } from "./index.ts";

const usage = `Usage: npm run emulator:dicom -- --port P [--host H] [--load DIR] [--partitions] [--parent-pipe]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      host: { type: "string", default: "127.0.0.1" },
      load: { type: "string" },
      partitions: { type: "boolean", default: false },
      "parent-pipe": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const { host, partitions, load } = values;
  const emulator = await startDicomEmulator({
    port: Number(values.port),
    host,
    partitions,
    ...(load !== undefined && { load }),
  });
  const stop = () => void emulator.close();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (values["parent-pipe"]) process.stdin.once("end", stop).once("error", stop).resume();
  if (load !== undefined) {
    const stored = emulator.loaded.filter(({ outcome }) => outcome.stored).length;
    console.error(`stored ${stored} of ${emulator.loaded.length} files of ${load}`);
  }
  console.log(`READY ${emulator.url}`);
}

main().catch((error: unknown) => {
  console.error(Error.isError(error) ? error.message : String(error));
  console.error(usage);
  process.exitCode = 1;
});
