/**
 * Parses of a dataset only the elements that are wanted. Of a CT image's 150 elements the mapping reads a quarter; finding out where an element ends costs
 * a fifth of parsing it.
 *
 * The rest is skipped by its brackets and strings, not checked: an instance with an error there is read like any other. Whatever is not plainly an object
 * with plain names is left to JSON.parse as it is.
 */
import { afterSpace, CLOSE_BRACE, COMMA, memberAt, OPEN_BRACE } from "./json-bytes.ts";

/** Parses one dataset, as JSON.parse would but for the elements that are not wanted. @throws SyntaxError as JSON.parse */
export type DatasetParser = (bytes: Buffer) => unknown;

/** @param tags eight hexadecimal digits each, in any case, as they may be in the dataset */
export function createDatasetParser(tags: Iterable<string>): DatasetParser {
  const wanted = new Set([...tags].map((tag) => Number.parseInt(tag, 16)));
  let picked = Buffer.alloc(0);
  return (bytes) => {
    if (picked.length < bytes.length + 1) picked = Buffer.allocUnsafe(2 * bytes.length + 1);
    const length = pick(bytes, wanted, picked);
    return JSON.parse((length === undefined ? bytes : picked.subarray(0, length)).toString("utf8"));
  };
}

/** Parses all of it. */
export function parseWhole(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString("utf8"));
}

/** Writes the object with only the wanted members into `out`, which holds at least as many bytes; its length, undefined when it is no such object. */
function pick(bytes: Buffer, wanted: ReadonlySet<number>, out: Buffer): number | undefined {
  let at = afterSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) return undefined;
  out[0] = OPEN_BRACE;
  let length = 1;
  at = afterSpace(bytes, at + 1);
  // An empty object is left to JSON.parse as well.
  for (;;) {
    const member = memberAt(bytes, at);
    if (member === undefined) return undefined;
    const { tag, end } = member;
    if (tag !== undefined && wanted.has(tag)) {
      if (length > 1) out[length++] = COMMA;
      bytes.copy(out, length, at, end);
      length += end - at;
    }
    at = end;
    if (bytes[at] === CLOSE_BRACE) break;
    at = afterSpace(bytes, at + 1);
  }
  if (afterSpace(bytes, at + 1) < bytes.length) return undefined;
  out[length++] = CLOSE_BRACE;
  return length;
}
