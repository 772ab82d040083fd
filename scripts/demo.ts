/** `npm run demo`: arguments, signals and exit code; the demo itself is in demo/run.ts. */
import "../src/cli/drop-debug.ts";
import { report } from "../src/cli/report.ts";
import { demoArguments, USAGE } from "./demo/arguments.ts";
import { runDemo } from "./demo/run.ts";
import { createScreen } from "./demo/screen.ts";

/** How long handles that should be closed may keep the process alive after its end. */
const LINGER_MS = 2000;
const PARENT_MS = 500;

const stop = new AbortController();
const abort = new AbortController();

function onSignal(): void {
  if (stop.signal.aborted) abort.abort();
  stop.abort();
}

/** npm that is killed cannot pass a signal on; its child then gets another parent. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop.abort();
  }, PARENT_MS).unref();
}

async function main(): Promise<number> {
  const options = demoArguments(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  if (process.env["npm_lifecycle_event"] !== undefined) endWithParent();
  const screen = createScreen(options.json ? process.stderr : process.stdout);
  try {
    return await runDemo(options, screen, {
      env: process.env,
      stop: stop.signal,
      abort: abort.signal,
      result: (text) => process.stdout.write(text),
    });
  } finally {
    screen.end();
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const { text, exitCode } = report(thrown);
  process.stderr.write(text);
  process.exitCode = exitCode;
}
setTimeout(() => process.exit(), LINGER_MS).unref();
