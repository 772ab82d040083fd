// Text to bytes in the DICOM character sets (PS3.3 C.12.1.1.2, PS3.5 §6.1): what a modality writes. Reading is done by others.
// The tables are Node's own decoders (TextDecoder, full ICU) turned round, so no table of code points is kept here.

/** One code element of ISO 2022: which half of the byte range it lives in, how it is switched on, and its table. */
type CodeElement = {
  half: "G0" | "G1";
  escape: readonly number[];
  table: () => ReadonlyMap<string, readonly number[]>;
};
type Extension = { g0?: CodeElement; g1?: CodeElement };

const ESC = 0x1b;
const LEADS = Array.from({ length: 94 }, (_, i) => 0xa1 + i);

/** Builds a table once, when it is first needed: the two-byte ones have some 8,000 rows. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** char -> bytes for all byte strings in `codes` that `label` decodes to one character. `mask` is applied to the bytes kept. */
function invert(
  label: string,
  codes: Iterable<readonly number[]>,
  mask = 0xff,
  drop = 0,
): Map<string, readonly number[]> {
  const decoder = new TextDecoder(label);
  const table = new Map<string, readonly number[]>();
  for (const code of codes) {
    const char = decoder.decode(Uint8Array.from(code));
    if ([...char].length !== 1 || char === "\ufffd" || table.has(char)) continue;
    table.set(
      char,
      code.slice(drop).map((byte) => byte & mask),
    );
  }
  return table;
}

const high = LEADS.map((byte) => [byte]).concat([[0xa0], [0xff]]);
const pairs = (prefix: readonly number[] = []): number[][] => LEADS.flatMap((a) => LEADS.map((b) => [...prefix, a, b]));
const wide = Array.from({ length: 126 }, (_, i) => 0x81 + i).flatMap((a) =>
  Array.from({ length: 191 }, (_, i) => [a, 0x40 + i]),
);

const ascii = once(() => new Map(Array.from({ length: 128 }, (_, i) => [String.fromCharCode(i), [i]] as const)));
const ASCII: CodeElement = { half: "G0", escape: [ESC, 0x28, 0x42], table: ascii };
const ROMAJI: CodeElement = { half: "G0", escape: [ESC, 0x28, 0x4a], table: ascii };

const single = (label: string, final: number): Extension => ({
  g0: ASCII,
  g1: { half: "G1", escape: [ESC, 0x2d, final], table: once(() => invert(label, high)) },
});

/** Sets that may be switched to by escape sequences, by the number of their defined term (`ISO 2022 IR n`, `ISO_IR n`). */
const EXTENSIONS: Readonly<Record<string, Extension>> = {
  "6": { g0: ASCII },
  "100": single("iso-8859-1", 0x41),
  "101": single("iso-8859-2", 0x42),
  "109": single("iso-8859-3", 0x43),
  "110": single("iso-8859-4", 0x44),
  "144": single("iso-8859-5", 0x4c),
  "127": single("iso-8859-6", 0x47),
  "126": single("iso-8859-7", 0x46),
  "138": single("iso-8859-8", 0x48),
  "148": single("iso-8859-9", 0x4d),
  "166": single("tis-620", 0x54),
  "13": {
    g0: ROMAJI,
    g1: { half: "G1", escape: [ESC, 0x29, 0x49], table: once(() => invert("shift_jis", high)) },
  },
  "87": { g0: { half: "G0", escape: [ESC, 0x24, 0x42], table: once(() => invert("euc-jp", pairs(), 0x7f)) } },
  "159": {
    g0: { half: "G0", escape: [ESC, 0x24, 0x28, 0x44], table: once(() => invert("euc-jp", pairs([0x8f]), 0x7f, 1)) },
  },
  "149": { g1: { half: "G1", escape: [ESC, 0x24, 0x29, 0x43], table: once(() => invert("euc-kr", pairs())) } },
  "58": { g1: { half: "G1", escape: [ESC, 0x24, 0x29, 0x41], table: once(() => invert("gbk", pairs())) } },
};

/** Sets that stand alone and take no escape sequences; ISO_IR 192 is TextEncoder's. */
const STANDALONE: Readonly<Record<string, () => ReadonlyMap<string, readonly number[]>>> = {
  GB18030: once(() => new Map([...ascii(), ...invert("gb18030", wide)])),
  GBK: once(() => new Map([...ascii(), ...invert("gbk", wide)])),
};

/** PS3.5 §6.1.2.5.3: at these the initial sets are active again; `^` and `=` only in PN, `\` only where it separates values. */
const delimiters = (vr: string): string =>
  vr === "PN" ? "\\^=\r\n\f\t" : ["ST", "LT", "UT"].includes(vr) ? "\r\n\f\t" : "\\\r\n\f\t";

const extensionOf = (term: string): Extension | undefined =>
  EXTENSIONS[term === "" ? "6" : term.replace(/^ISO(?: 2022 IR|_IR) /, "")];

function withExtensions(text: string, sets: readonly Extension[], vr: string): Uint8Array {
  const first = sets[0];
  const initial = { G0: first?.g0 ?? ASCII, G1: first?.g1 };
  const active = { ...initial };
  const bytes: number[] = [];
  const use = (element: CodeElement): void => {
    if (active[element.half] === element) return;
    bytes.push(...element.escape);
    active[element.half] = element;
  };
  const ends = delimiters(vr);
  for (const char of text) {
    if (ends.includes(char)) {
      use(initial.G0); // a two-byte G0 must be left before a delimiter, or it would be read as half a character
      active.G1 = initial.G1;
      bytes.push(char.charCodeAt(0));
      continue;
    }
    const known = [active.G0, active.G1, ...sets.flatMap((set) => [set.g0, set.g1])];
    const element = known.find((candidate) => candidate?.table().has(char));
    if (element === undefined)
      throw new RangeError(`no character set given for U+${char.codePointAt(0)?.toString(16)}`);
    use(element);
    bytes.push(...(element.table().get(char) ?? []));
  }
  use(initial.G0);
  return Uint8Array.from(bytes);
}

/**
 * Encodes the text of one element (several values joined by `\`, PN groups by `=`) in the given Specific Character Set values.
 * `charsets` is the value list of (0008,0005); empty means the default repertoire. Throws RangeError for an unknown term or a
 * character outside all the sets: a generator must not write question marks.
 */
export function encodeText(text: string, charsets: readonly string[], vr: string): Uint8Array {
  const [first = ""] = charsets;
  if (first === "ISO_IR 192") return new TextEncoder().encode(text);
  const alone = STANDALONE[first];
  if (alone !== undefined) {
    const table = alone();
    return Uint8Array.from(
      [...text].flatMap((char) => {
        const code = table.get(char);
        if (code === undefined) throw new RangeError(`${first} has no U+${char.codePointAt(0)?.toString(16)}`);
        return code;
      }),
    );
  }
  const sets = (charsets.length === 0 ? [""] : charsets).map((term) => {
    const set = extensionOf(term);
    if (set === undefined) throw new RangeError(`unknown character set ${term}`);
    return set;
  });
  return withExtensions(text, sets, vr);
}
