/** The DICOM emulator with a turnover feed behind it. `--parent-pipe`: ends when standard input does. */
import { parseArgs } from "node:util";
import { startDicomEmulator } from "../emulators/dicom/index.ts";
import { createTurnoverBackend } from "./turnover.ts";

const { values } = parseArgs({
  options: {
    groups: { type: "string", default: "10" },
    studies: { type: "string", default: "20" },
    images: { type: "string", default: "50" },
    lifeGroups: { type: "string", default: "12" },
    rate: { type: "string", default: "200" },
    delay: { type: "string", default: "0" },
    "parent-pipe": { type: "boolean", default: false },
  },
});
const backend = createTurnoverBackend({
  groups: Number(values.groups),
  studies: Number(values.studies),
  images: Number(values.images),
  lifeGroups: Number(values.lifeGroups),
  rate: Number(values.rate),
  startMs: Date.now() + 1000 * Number(values.delay),
});
const emulator = await startDicomEmulator({ backend });
const stop = () => {
  process.stdin.destroy();
  void emulator.close();
};
process.once("SIGTERM", stop);
if (values["parent-pipe"]) process.stdin.once("end", stop).once("error", stop).resume();
process.stdout.write(`READY ${emulator.url}\n`);
