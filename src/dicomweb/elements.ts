/**
 * Splits a JSON array that comes in pieces into its elements, without parsing it: memory is bounded by one element, not by the study.
 * Works on bytes: all of JSON's structure is ASCII, and no byte of a longer UTF-8 character looks like ASCII.
 */
import { BACKSLASH, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, SPACE, STRUCTURAL } from "./json-bytes.ts";

/** What became of the bytes so far. */
export type ArrayEnd = "complete" | "open" | "not an array";

export type ElementSplitter = {
  push(bytes: Buffer): void;
  /** Nothing more will come. `complete` when the array's closing bracket has come; `open` when it has not. */
  end(): ArrayEnd;
  /** Something else than an array has come. */
  isNoArray(): boolean;
};

/** The longest beginning of an element that is kept until more of it is there, to be taken whole. */
const MAX_CARRIED = 65_536;

const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/**
 * Calls `onElement` with the bytes of each element (valid during the call only). Of an element larger than `maxBytes` the rest is skipped, and
 * `onOversize` gets its first `maxBytes`.
 * @param takeWhole asked where an object begins: it may read all of it, if all of it is there, and return the place behind it, or -1; it is asked once more
 *   when more of the object has come
 */
export function createElementSplitter(
  maxBytes: number,
  onElement: (bytes: Buffer) => void,
  onOversize: (start: Buffer) => void,
  takeWhole?: (bytes: Buffer, start: number) => number,
): ElementSplitter {
  let state: ArrayEnd | "start" = "start";
  /** Nesting: 1 between the elements of the array. */
  let depth = 1;
  /** Nothing but white space has come since the last comma, or the array's bracket. */
  let atStart = true;
  /** The beginning of an element, not looked at yet. */
  let carried: Buffer | undefined;
  let isEnding = false;
  let inString = false;
  /** The byte before was an unpaired backslash in a string. */
  let escaped = false;
  let parts: Buffer[] = [];
  let size = 0;

  function keep(bytes: Buffer): void {
    if (size < maxBytes && bytes.length > 0) parts.push(bytes.subarray(0, maxBytes - size));
    size += bytes.length;
  }

  function finish(bytes: Buffer): void {
    keep(bytes);
    const [only] = parts;
    const element = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    const isOversize = size > maxBytes;
    parts = [];
    size = 0;
    if (isBlank(element)) return;
    if (isOversize) onOversize(element);
    else onElement(element);
  }

  /** Finds the opening bracket behind white space and a byte order mark; returns the place behind it. */
  function findStart(bytes: Buffer): number {
    for (const [at, byte] of bytes.entries()) {
      if (byte <= SPACE || BYTE_ORDER_MARK.includes(byte)) continue;
      state = byte === OPEN_BRACKET ? "open" : "not an array";
      return at + 1;
    }
    return bytes.length;
  }

  /** The hot loop: one look per byte, on local variables. */
  function split(bytes: Buffer, start: number, isCarried: boolean): void {
    const { length } = bytes;
    let from = start;
    for (let at = start; at < length; at++) {
      if (inString) {
        if (escaped) {
          escaped = false;
          continue;
        }
        let byte = bytes[at];
        while (byte !== QUOTE && byte !== BACKSLASH && ++at < length) byte = bytes[at];
        if (at === length) break;
        if (byte === QUOTE) inString = false;
        else escaped = true;
        continue;
      }
      const byte = bytes[at] ?? 0;
      if (atStart && byte > SPACE) {
        atStart = false;
        const end = byte === OPEN_BRACE && takeWhole !== undefined ? takeWhole(bytes, at) : undefined;
        const isLastTry = isEnding || (isCarried && at === start);
        if (end === -1 && !isLastTry && length - at <= MAX_CARRIED) {
          carried = Buffer.from(bytes.subarray(at));
          atStart = true;
          return;
        }
        if (end !== undefined && end > at) {
          // What follows, white space and a comma, is an element without content.
          parts = [];
          size = 0;
          from = end;
          at = end - 1;
          continue;
        }
      }
      if (STRUCTURAL[byte] === 0) continue;
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
      else if (byte === COMMA) {
        if (depth > 1) continue;
        finish(bytes.subarray(from, at));
        from = at + 1;
        atStart = true;
      } else if (--depth === 0) {
        finish(bytes.subarray(from, at));
        state = "complete";
        return;
      }
    }
    keep(bytes.subarray(from));
  }

  function push(bytes: Buffer): void {
    const start = state === "start" ? findStart(bytes) : 0;
    if (state !== "open") return;
    const before = carried;
    carried = undefined;
    if (before === undefined) split(bytes, start, false);
    else split(Buffer.concat([before, bytes]), 0, true);
  }

  return {
    push,
    end() {
      isEnding = true;
      if (carried !== undefined) push(Buffer.alloc(0));
      return state === "start" ? "open" : state;
    },
    isNoArray: () => state === "not an array",
  };
}

function isBlank(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] ?? 0) > SPACE) return false;
  return true;
}
