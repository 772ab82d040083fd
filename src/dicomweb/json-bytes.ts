/** Finding one's way in the bytes of a JSON text without parsing it. All of JSON's structure is ASCII, and no byte of a longer UTF-8 character looks like ASCII. */

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

export const TAG_LENGTH = 8;
const NOT_HEX = 16;
const HEX = new Uint8Array(256).fill(NOT_HEX);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  HEX[text.charCodeAt(0)] = digit;
  HEX[text.toUpperCase().charCodeAt(0)] = digit;
}

/** 1 for bytes that mean something outside of strings. */
export const STRUCTURAL = new Uint8Array(256);
for (const byte of [QUOTE, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE, COMMA]) STRUCTURAL[byte] = 1;

/** The first place from `start` on that is no white space. */
export function afterSpace(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return at;
    at++;
  }
}

/** The place of the closing quote; undefined when there is none or something is escaped before it. */
export function plainStringEnd(bytes: Buffer, start: number): number | undefined {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) return undefined;
  }
  return undefined;
}

/** The tag whose eight hexadecimal digits stand at `start`; undefined when they are none. */
export function tagAt(bytes: Buffer, start: number): number | undefined {
  let tag = 0;
  for (let at = start; at < start + TAG_LENGTH; at++) {
    const digit = HEX[bytes[at] ?? 0] ?? NOT_HEX;
    if (digit === NOT_HEX) return undefined;
    tag = tag * 16 + digit;
  }
  return tag;
}

/** The place of the comma or bracket that ends the value; the length when it does not end. The hot loop: one look per byte. */
export function valueEnd(bytes: Buffer, start: number): number {
  const { length } = bytes;
  let depth = 0;
  let at = start;
  for (; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (STRUCTURAL[byte] === 0) continue;
    if (byte === QUOTE) {
      for (at++; at < length; at++) {
        const inside = bytes[at];
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) at++;
      }
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === COMMA) {
      if (depth === 0) return at;
    } else if (depth-- === 0) return at;
  }
  return at;
}

/** A member's tag, undefined for a name that is none, where its value begins, and the place of the comma or brace behind it. */
export type Member = { tag: number | undefined; value: number; end: number };

/** The member whose name's quote stands at `start`; undefined when it does not end here, or its name is not plain. */
export function memberAt(bytes: Buffer, start: number): Member | undefined {
  if (bytes[start] !== QUOTE) return undefined;
  const nameEnd = plainStringEnd(bytes, start + 1);
  if (nameEnd === undefined) return undefined;
  const colon = afterSpace(bytes, nameEnd + 1);
  if (bytes[colon] !== COLON) return undefined;
  const end = valueEnd(bytes, colon + 1);
  if (bytes[end] !== COMMA && bytes[end] !== CLOSE_BRACE) return undefined;
  return { tag: nameEnd - start - 1 === TAG_LENGTH ? tagAt(bytes, start + 1) : undefined, value: colon + 1, end };
}
