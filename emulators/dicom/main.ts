import { parseArgs } from "node:util";
import { startDicomEmulator } from "./index.ts";
import { parseSynthetic } from "./synthetic.ts";

const usage = `Usage: npm run emulator:dicom -- --port P [--host H] [--load DIR] [--partitions]
       [--synthetic studies=N,images=M[,series=K]] [--parent-pipe]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      host: { type: "string", default: "127.0.0.1" },
      load: { type: "string" },
      synthetic: { type: "string" },
      partitions: { type: "boolean", default: false },
      "parent-pipe": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const { host, partitions, load, synthetic } = values;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`--port: ${values.port} is no port`);
  if (load !== undefined && synthetic !== undefined) throw new RangeError("--load and --synthetic exclude each other");
  const emulator = await startDicomEmulator({
    ...{ port, host, partitions },
    ...(load !== undefined && { load }),
    ...(synthetic !== undefined && { synthetic: parseSynthetic(synthetic) }),
  });
  const stop = () => {
    if (values["parent-pipe"]) process.stdin.destroy(); // an open pipe would keep the process alive
    void emulator.close();
  };
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
