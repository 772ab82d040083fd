/**
 * Reads datasets that are nearly alike, as the instances of a series are: of a CT image's 150 elements some ten differ from its neighbour's. One dataset is
 * kept as the model; runs of elements whose bytes are the model's are passed over with one comparison of memory, and their values are the model's own, the
 * same objects. So whoever is handed the datasets must not change them, and may take "same object" for "same content".
 *
 * The result is what a parser without a model gives, whatever was read before: a value is the model's only where every byte of name, value and separator is.
 * State: the model, replaced when the datasets have become too different from it.
 */
import { afterSpace, CLOSE_BRACE, type Member, memberAt, OPEN_BRACE, TAG_LENGTH } from "./json-bytes.ts";

export type AlikeReader = {
  /**
   * Reads the dataset whose brace stands at `start`; `end` is the place behind it. Undefined when it is not all there, or no plain object of elements with
   * values that can be parsed: it is for another parser then.
   */
  read(bytes: Buffer, start: number): { dataset: Record<string, unknown>; end: number } | undefined;
};

/** Member i of the model is `bytes` from `starts[i]`, its name's quote, to `ends[i]`, the comma or brace behind its value. */
type Model = {
  bytes: Buffer;
  starts: number[];
  ends: number[];
  tags: number[];
  /** Of each member: whether it is in `dataset`. */
  wanted: boolean[];
  /** Of each member: whether a dataset had another value. The same ones differ again and again, so nothing is compared there. */
  differs: boolean[];
  dataset: Record<string, unknown>;
};

/** With more members than this, and than a quarter of the model's, that differ, a dataset is not alike. */
const FEW = 16;
/** So many datasets are read after a new model before the next one may be made; doubled as long as none helps. */
const FIRST_PATIENCE = 1;
const LONGEST_PATIENCE = 256;

/** @param tags of the elements that are wanted, in any case; the others are skipped by their brackets and strings, not checked */
export function createAlikeReader(tags: Iterable<string>): AlikeReader {
  const wanted = new Set([...tags].map((tag) => Number.parseInt(tag, 16)));
  let model: Model | undefined;
  let patience = FIRST_PATIENCE;
  let left = 0;

  /** Makes the dataset the model, but not each of many that are all different. */
  function offer(bytes: Buffer, start: number): Model | undefined {
    if (left-- > 0) return undefined;
    left = patience;
    patience = Math.min(2 * patience, LONGEST_PATIENCE);
    return makeModel(bytes, start, wanted);
  }

  return {
    read(bytes, start) {
      if (model === undefined) {
        model = offer(bytes, start);
        return model && { dataset: { ...model.dataset }, end: start + model.bytes.length };
      }
      const read = readByModel(bytes, start, model, wanted);
      if (read === undefined) return undefined;
      if (read.different > Math.max(FEW, model.starts.length / 4)) model = offer(bytes, start) ?? model;
      else {
        patience = FIRST_PATIENCE;
        left = 0;
      }
      return read;
    },
  };
}

/** @throws SyntaxError as JSON.parse */
function parseMember(bytes: Buffer, start: number, { value, end }: Member): [name: string, value: unknown] {
  return [bytes.toString("latin1", start + 1, start + 1 + TAG_LENGTH), JSON.parse(bytes.toString("utf8", value, end))];
}

/** Undefined also when an element that is wanted occurs twice: which of the two counts is for JSON.parse to say. */
function makeModel(bytes: Buffer, start: number, wanted: ReadonlySet<number>): Model | undefined {
  const model: Model = { bytes, starts: [], ends: [], tags: [], wanted: [], differs: [], dataset: {} };
  if (bytes[start] !== OPEN_BRACE) return undefined;
  const seen = new Set<number>();
  let at = afterSpace(bytes, start + 1);
  for (;;) {
    const member = memberAt(bytes, at);
    if (member === undefined) return undefined;
    const { tag, end } = member;
    const isWanted = tag !== undefined && wanted.has(tag);
    if (isWanted) {
      if (seen.has(tag)) return undefined;
      seen.add(tag);
      try {
        const [name, value] = parseMember(bytes, at, member);
        model.dataset[name] = value;
      } catch {
        return undefined;
      }
    }
    model.starts.push(at - start);
    model.ends.push(end - start);
    model.tags.push(tag ?? -1);
    model.wanted.push(isWanted);
    model.differs.push(false);
    if (bytes[end] === CLOSE_BRACE) {
      model.bytes = Buffer.from(bytes.subarray(start, end + 1));
      return model;
    }
    at = afterSpace(bytes, end + 1);
  }
}

function readByModel(
  bytes: Buffer,
  start: number,
  model: Model,
  wanted: ReadonlySet<number>,
): { dataset: Record<string, unknown>; end: number; different: number } | undefined {
  if (bytes[start] !== OPEN_BRACE) return undefined;
  const own: [name: string, value: unknown][] = [];
  /** Members of the model that this dataset lacks. */
  const missing: number[] = [];
  let different = 0;
  let next = 0;
  let at = afterSpace(bytes, start + 1);
  for (;;) {
    const equal = equalMembers(bytes, at, model, next);
    let end: number;
    if (equal > 0) {
      end = at + (model.ends[next + equal - 1] ?? 0) - (model.starts[next] ?? 0);
      next += equal;
    } else {
      const member = memberAt(bytes, at);
      if (member === undefined) return undefined;
      end = member.end;
      different++;
      const place = member.tag === undefined ? -1 : model.tags.indexOf(member.tag, next);
      for (; next < place; next++) missing.push(next);
      if (place >= 0) {
        if (!isSameName(bytes, at, model, place)) missing.push(place);
        model.differs[place] = true;
        next = place + 1;
      }
      if (member.tag !== undefined && wanted.has(member.tag)) {
        try {
          own.push(parseMember(bytes, at, member));
        } catch {
          return undefined;
        }
      }
    }
    if (bytes[end] === CLOSE_BRACE) {
      for (; next < model.starts.length; next++) missing.push(next);
      const dataset = without(model, missing);
      for (const [name, value] of own) dataset[name] = value;
      return { dataset, end: end + 1, different };
    }
    at = afterSpace(bytes, end + 1);
  }
}

/** Whether the member is written as the model's: tags may be in upper and lower case. */
function isSameName(bytes: Buffer, at: number, model: Model, member: number): boolean {
  const start = model.starts[member] ?? 0;
  return model.bytes.compare(bytes, at, at + TAG_LENGTH + 1, start, start + TAG_LENGTH + 1) === 0;
}

/** How many members from the model's `next` on stand at `at`, byte by byte with the separators behind them; as far as one comparison tells. */
function equalMembers(bytes: Buffer, at: number, model: Model, next: number): number {
  const { starts, ends, differs } = model;
  let likely = next;
  while (differs[likely] === false) likely++;
  for (let take = likely - next; take > 0; take >>= 1) {
    const from = starts[next] ?? 0;
    const to = (ends[next + take - 1] ?? 0) + 1;
    const until = at + to - from;
    if (until <= bytes.length && model.bytes.compare(bytes, at, until, from, to) === 0) return take;
  }
  return 0;
}

/** A copy of the model's dataset without these members. */
function without(model: Model, members: readonly number[]): Record<string, unknown> {
  const tags = new Set(members.filter((member) => model.wanted[member]).map((member) => model.tags[member]));
  if (tags.size === 0) return { ...model.dataset };
  return Object.fromEntries(Object.entries(model.dataset).filter(([name]) => !tags.has(Number.parseInt(name, 16))));
}
