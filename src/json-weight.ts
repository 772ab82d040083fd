/**
 * How much memory a JSON text takes once it is parsed depends on the number of its objects and arrays far more than on its length: `[{},{},…]` takes some
 * thirty times its bytes. So this number is bounded, too.
 */

const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** Most objects and arrays of an answer: some 40 MB once parsed. A page of 100 feed entries with all their metadata has a tenth of it. */
export const MAX_PARTS = 500_000;

/** Opening brackets and braces, those inside of strings too: never less than there are objects and arrays. */
export function countParts(bytes: Uint8Array): number {
  let parts = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === OPEN_BRACKET || bytes[at] === OPEN_BRACE) parts++;
  return parts;
}

/** JSON.parse for what a service sent. @throws RangeError when it has too many parts, SyntaxError when it is no JSON */
export function parseForeignJson(bytes: Buffer): unknown {
  if (bytes.length > MAX_PARTS && countParts(bytes) > MAX_PARTS) throw new RangeError("too many parts");
  return JSON.parse(bytes.toString("utf8"));
}
