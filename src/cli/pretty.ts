/** Log lines for a person at a terminal instead of JSON. */
import { PinoPretty } from "pino-pretty";

/** A destination for the logger that writes coloured lines to standard output. */
export function prettyLines(): ReturnType<typeof PinoPretty> {
  return PinoPretty({
    colorize: true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname",
    singleLine: true,
    destination: 1,
    sync: true,
  });
}
