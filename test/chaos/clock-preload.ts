/** Loaded into a worker before its program: its wall clock can be set. SIGUSR2 reads the offset in milliseconds from the file that CHAOS_CLOCK names. */
import { readFileSync } from "node:fs";

const RealDate = Date;
let offsetMs = 0;
const now = (): number => RealDate.now() + offsetMs;
const read = (): void => {
  try {
    offsetMs = Number(readFileSync(process.env["CHAOS_CLOCK"] ?? "", "utf8"));
  } catch {
    // no file: the clock was never set
  }
};
read();
process.on("SIGUSR2", read);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parts: unknown[], self) => Reflect.construct(target, parts.length === 0 ? [now()] : parts, self),
  apply: () => new RealDate(now()).toString(),
  get: (target, name, self) => (name === "now" ? now : Reflect.get(target, name, self)),
});
