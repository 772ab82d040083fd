// A read-only store for load tests whose feed and studies are computed, never held: any sequence number leads to its study,
// series and image, and each UID leads back. One entry per image, all Create/Current; memory use does not grow with the feed.
import type { DicomBackend, FeedEntry, GroupView, InstanceView, Scope, Ticks } from "./backend.ts";
import {
  arrivedImages,
  firstImageOf,
  indexesOf,
  type Place,
  parseSynthetic,
  placeOf,
  type SyntheticOptions,
  sequenceOf,
  seriesOf,
  shapeOf,
  uidOf,
} from "./synthetic-layout.ts";
import { createCtRenderer } from "./synthetic-template.ts";
import { ticksOfMs } from "./ticks.ts";

export { parseSynthetic, type SyntheticOptions };

const PARTITION = "Microsoft.Default";
/** A feed that is complete begins here and has an entry every 100 ms, so a restarted service tells the same times again. */
const EPOCH_MS = Date.UTC(2021, 0, 1);
const SPACING_TICKS = 1_000_000;

/** Images `from <= image < to` of one study, all of them arrived. */
type Span = { study: number; from: number; to: number };

/**
 * Makes the store. With `rate` the feed grows by the clock from the moment of this call (plus `delay`); `now` gives ms since
 * 1970. Throws RangeError if the options do not fit together.
 */
export function createSyntheticBackend(options: SyntheticOptions, now: () => number = Date.now): DicomBackend {
  const shape = shapeOf(options);
  const total = shape.studies * shape.images;
  const startMs = shape.rate === 0 ? EPOCH_MS : now() + shape.delay * 1000;
  const startTicks = ticksOfMs(startMs);
  const render = createCtRenderer(shape);

  const timestamp = (sequence: number): Ticks =>
    startTicks +
    BigInt(
      shape.rate === 0
        ? sequence * SPACING_TICKS + ((sequence * 7919) % 9973) // not all on round milliseconds, still increasing
        : Math.ceil((sequence * 1e7) / shape.rate),
    );

  const latestSequence = (): number =>
    shape.rate === 0 ? total : Math.max(0, Math.min(total, Math.floor(((now() - startMs) * shape.rate) / 1000)));

  const view = (place: Place, sequence = sequenceOf(shape, place)): InstanceView => {
    const series = seriesOf(shape, place.image);
    return {
      partition: PARTITION,
      study: uidOf("study", place.study),
      series: uidOf("series", place.study, series),
      instance: uidOf("image", place.study, series, place.image),
      watermark: sequence,
      json: () => render(place),
    };
  };

  const entry = (sequence: number): FeedEntry => {
    const current = view(placeOf(shape, sequence), sequence);
    const { study, series, instance } = current;
    return {
      sequence,
      timestamp: timestamp(sequence),
      action: "Create",
      state: "Current",
      partition: PARTITION,
      study,
      series,
      instance,
      current,
    };
  };

  const entries = (after: number, upTo: number): FeedEntry[] => {
    const first = Math.max(after, 0) + 1;
    const last = Math.min(upTo, latestSequence());
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => entry(first + i));
  };

  /** Number of entries with a timestamp below `ticks`: timestamps grow with the sequence. */
  const countBefore = (ticks: Ticks): number => {
    let [low, high] = [0, latestSequence()];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (timestamp(middle) < ticks) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  /** What has arrived of the study, series or instance in scope; undefined if there is nothing. */
  const span = (scope: Scope, latest: number): Span | undefined => {
    const study = indexesOf("study", scope.study ?? "")?.study;
    if (study === undefined || study < 0 || study >= shape.studies) return undefined;
    const series = scope.series === undefined ? undefined : indexesOf("series", scope.series);
    const image = scope.instance === undefined ? undefined : indexesOf("image", scope.instance);
    if (scope.series !== undefined && (series?.study !== study || series.series >= shape.series)) return undefined;
    if (scope.instance !== undefined && (image?.study !== study || image.series !== seriesOf(shape, image.image))) {
      return undefined;
    }
    if (series !== undefined && image !== undefined && series.series !== image.series) return undefined;
    const from = image?.image ?? (series === undefined ? 0 : firstImageOf(shape, series.series));
    const end = image ? image.image + 1 : series ? firstImageOf(shape, series.series + 1) : shape.images;
    const to = Math.min(end, arrivedImages(shape, study, latest));
    return from < to ? { study, from, to } : undefined;
  };

  /** Spans of a partition or a study, the newest study first. */
  function* spans(scope: Scope): Generator<Span> {
    if (scope.partition !== PARTITION) return;
    const latest = latestSequence();
    if (scope.study !== undefined) {
      const one = span(scope, latest);
      if (one) yield one;
      return;
    }
    if (latest === 0) return;
    const block = Math.floor(placeOf(shape, latest).study / shape.interleave);
    for (let study = Math.min((block + 1) * shape.interleave, shape.studies) - 1; study >= 0; study -= 1) {
      const to = arrivedImages(shape, study, latest);
      if (to > 0) yield { study, from: 0, to };
    }
  }

  function* instances(scope: Scope): Generator<InstanceView> {
    if (scope.partition !== PARTITION) return;
    if (scope.study === undefined) {
      for (let sequence = latestSequence(); sequence > 0; sequence -= 1) yield view(placeOf(shape, sequence), sequence);
      return;
    }
    for (const { study, from, to } of spans(scope)) {
      for (let image = to - 1; image >= from; image -= 1) yield view({ study, image });
    }
  }

  const group = ({ study, from, to }: Span): Omit<GroupView, "series"> => {
    const newest = view({ study, image: to - 1 });
    return { study: newest.study, newest, instanceCount: to - from, modalities: () => ["CT"] };
  };

  return {
    feedBySequence: entries,
    feedByTime(start, end, offset, limit) {
      const first = countBefore(start) + offset;
      return entries(first, Math.min(first + limit, countBefore(end)));
    },
    latest() {
      const sequence = latestSequence();
      return sequence === 0 ? undefined : entry(sequence);
    },
    version(scope) {
      if (scope.partition !== PARTITION) return undefined;
      const latest = latestSequence();
      if (scope.study === undefined) return latest === 0 ? undefined : { watermark: latest, count: latest };
      const one = span(scope, latest);
      if (one === undefined) return undefined;
      const watermark = sequenceOf(shape, { study: one.study, image: one.to - 1 });
      return { watermark, count: one.to - one.from };
    },
    instances,
    *series(scope) {
      for (const { study, from, to } of spans(scope)) {
        for (let series = seriesOf(shape, to - 1); series >= seriesOf(shape, from); series -= 1) {
          const [first, next] = [firstImageOf(shape, series), firstImageOf(shape, series + 1)];
          const part = { study, from: Math.max(from, first), to: Math.min(to, next) };
          yield { ...group(part), series: uidOf("series", study, series) };
        }
      }
    },
    *studies(scope) {
      for (const one of spans(scope)) yield group(one);
    },
    partitions: () => [{ key: 1, name: PARTITION, created: ticksOfMs(EPOCH_MS) }],
  };
}
