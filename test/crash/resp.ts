/** Where one value of Redis' protocol ends (RESP 2 and 3), and the words of a command. Enough to stand between a client and a server and tell their messages apart. */

const CR_LF = "\r\n";
const AGGREGATES: Readonly<Record<string, number>> = { "*": 1, "~": 1, ">": 1, "%": 2, "|": 2 };

/** The offset behind the value that begins at `at`; undefined when its end has not arrived. */
export function endOfValue(bytes: Buffer, at = 0): number | undefined {
  const lineEnd = bytes.indexOf(CR_LF, at, "latin1");
  if (lineEnd < 0) return undefined;
  const type = String.fromCharCode(bytes[at] ?? 0);
  const length = Number(bytes.toString("latin1", at + 1, lineEnd));
  let end = lineEnd + CR_LF.length;
  if (type === "$" || type === "!" || type === "=") {
    if (length < 0) return end;
    end += length + CR_LF.length;
    return end <= bytes.length ? end : undefined;
  }
  for (let left = length * (AGGREGATES[type] ?? 0); left > 0; left--) {
    const next = endOfValue(bytes, end);
    if (next === undefined) return undefined;
    end = next;
  }
  // attributes stand before the value they describe
  return type === "|" ? endOfValue(bytes, end) : end;
}

/** Whether the value at the start of `bytes` is a push message, which answers no command. */
export const isPush = (bytes: Buffer): boolean => bytes[0] === ">".charCodeAt(0);

/** The words of a command as clients send it: an array of bulk strings. */
export function wordsOf(command: Buffer): string[] {
  const words: string[] = [];
  let at = command.indexOf(CR_LF) + CR_LF.length;
  while (at < command.length) {
    const lineEnd = command.indexOf(CR_LF, at, "latin1");
    const length = Number(command.toString("latin1", at + 1, lineEnd));
    const start = lineEnd + CR_LF.length;
    words.push(command.toString("utf8", start, start + length));
    at = start + length + CR_LF.length;
  }
  return words;
}

/** Takes bytes as they come and gives each whole value. */
export function createSplitter(onValue: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = endOfValue(rest); end !== undefined; end = endOfValue(rest)) {
      const value = rest.subarray(0, end);
      rest = rest.subarray(end);
      onValue(value);
      if (rest.length === 0) return;
    }
  };
}
