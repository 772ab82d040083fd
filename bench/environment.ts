/** The line that says on what a result was measured. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

export type Surroundings = { node: string; cpu: string; cores: number; memoryGb: number; kernel: string };

export function surroundings(): Surroundings {
  const list = cpus();
  return {
    node: process.version,
    cpu: (list[0]?.model ?? "unknown").trim(),
    cores: list.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: /version (\d+\.\d+)/.exec(readText("/proc/version"))?.[1] ?? process.platform,
  };
}

/** The 1-minute load average: how busy the machine is with other things before a benchmark, and with it after one. */
export function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
