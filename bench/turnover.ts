/**
 * A feed for hours of load whose service stays small: studies come, some are changed, each is deleted a while later, image by image at a steady rate.
 * It is planned in full beforehand (12 bytes per image) and grows by the clock; nothing else is held.
 *
 * Invariant: sequences 1..length without gaps; per instance created < updated < deleted, 0 where that never happens.
 */
import type { DicomBackend, FeedEntry, GroupView, InstanceView, Scope } from "../emulators/dicom/index.ts";
import { indexesOf, shapeOf, uidOf } from "../emulators/dicom/synthetic-layout.ts";
import { createCtRenderer } from "../emulators/dicom/synthetic-template.ts";
import { ticksOfMs } from "../emulators/dicom/ticks.ts";

export type TurnoverShape = {
  /** Groups of studies that arrive at the same time, image by image in turn. */
  groups: number;
  /** Studies of a group, and images of a study. */
  studies: number;
  images: number;
  /** A group's studies are deleted while the group that comes so many later arrives; those of the last groups stay. */
  lifeGroups: number;
};

export type TurnoverOptions = TurnoverShape & {
  /** Images created per second. */
  rate: number;
  /** Epoch ms of the first entry. */
  startMs: number;
};

const PARTITION = "Microsoft.Default";
const ACTIONS: readonly FeedEntry["action"][] = ["Create", "Update", "Delete"];
/** Every so many-th study is changed once, two groups after its own; in as many one image is deleted before the others. */
const CHANGED_EVERY = 4;
const CHANGED_AFTER = 2;
const THINNED_AFTER = 4;

type Event = { action: 0 | 1 | 2; at: number };
/** `at` of an instance: its study times the images of a study, plus its image. */
type Plan = {
  actions: Uint8Array;
  places: Uint32Array;
  created: Uint32Array;
  updated: Uint32Array;
  deleted: Uint32Array;
};

export function planTurnover({ groups, studies, images, lifeGroups }: TurnoverShape): Plan {
  const total = groups * studies * images;
  const [created, updated, deleted] = [new Uint32Array(total), new Uint32Array(total), new Uint32Array(total)];
  const by = [created, updated, deleted] as const;
  const actions: number[] = [];
  const places: number[] = [];
  const put = ({ action, at }: Event): void => {
    if (action === 2 && deleted[at]) return;
    actions.push(action);
    places.push(at);
    by[action][at] = actions.length;
  };
  for (let group = 0; group < groups; group++) {
    const others = besides(group, { studies, images, lifeGroups });
    const size = studies * images;
    for (let n = 0; n < size; n++) {
      put({ action: 0, at: (group * studies + (n % studies)) * images + Math.floor(n / studies) });
      const from = Math.floor((n * others.length) / size);
      for (const other of others.slice(from, Math.floor(((n + 1) * others.length) / size))) put(other);
    }
  }
  return { actions: Uint8Array.from(actions), places: Uint32Array.from(places), created, updated, deleted };
}

/** What happens to earlier groups while a group arrives, study after study. */
function besides(group: number, { studies, images, lifeGroups }: Omit<TurnoverShape, "groups">): Event[] {
  const events: Event[] = [];
  const of = (earlier: number, every: number, action: 1 | 2, most: number) => {
    const first = (group - earlier) * studies;
    if (first < 0) return;
    for (let study = first; study < first + studies; study += every)
      for (let image = 0; image < most; image++) events.push({ action, at: study * images + image });
  };
  of(CHANGED_AFTER, CHANGED_EVERY, 1, images);
  of(THINNED_AFTER, CHANGED_EVERY, 2, 1);
  of(lifeGroups, 1, 2, images);
  return events;
}

export function createTurnoverBackend(options: TurnoverOptions, now: () => number = Date.now): DicomBackend {
  const { images, rate, startMs } = options;
  const plan = planTurnover(options);
  const length = plan.actions.length;
  const allStudies = options.groups * options.studies;
  const perSecond = (rate * length) / plan.created.length;
  const render = createCtRenderer(shapeOf({ studies: allStudies, images }));
  const latestSequence = () => Math.max(0, Math.min(length, Math.floor(((now() - startMs) * perSecond) / 1000)));
  const timestamp = (sequence: number) => ticksOfMs(startMs) + BigInt(Math.ceil((sequence * 1e7) / perSecond));

  /** Today's version of an instance. */
  function view(at: number): InstanceView | undefined {
    const latest = latestSequence();
    const [created = 0, updated = 0, deleted = 0] = [plan.created[at], plan.updated[at], plan.deleted[at]];
    if (created > latest || (deleted > 0 && deleted <= latest)) return undefined;
    const changed = updated > 0 && updated <= latest;
    const [study, image] = [Math.floor(at / images), at % images];
    return {
      partition: PARTITION,
      study: uidOf("study", study),
      series: uidOf("series", study),
      instance: uidOf("image", study, 0, image),
      watermark: changed ? updated : created,
      json: () => (changed ? described(render({ study, image })) : render({ study, image })),
    };
  }

  function entry(sequence: number): FeedEntry {
    const at = plan.places[sequence - 1] ?? 0;
    const action = ACTIONS[plan.actions[sequence - 1] ?? 0] ?? "Create";
    const [study, image] = [Math.floor(at / images), at % images];
    const current = view(at);
    const own = action !== "Delete" && current?.watermark === sequence;
    return {
      sequence,
      timestamp: timestamp(sequence),
      action,
      state: current === undefined ? "Deleted" : own ? "Current" : "Replaced",
      partition: PARTITION,
      study: uidOf("study", study),
      series: uidOf("series", study),
      instance: uidOf("image", study, 0, image),
      current,
    };
  }

  const entries = (after: number, upTo: number): FeedEntry[] => {
    const first = Math.max(after, 0) + 1;
    return Array.from({ length: Math.max(0, Math.min(upTo, latestSequence()) - first + 1) }, (_, i) =>
      entry(first + i),
    );
  };

  const ofStudy = (study: number): InstanceView[] =>
    Array.from({ length: images }, (_, image) => view(study * images + image))
      .filter((one) => one !== undefined)
      .sort((a, b) => b.watermark - a.watermark);

  function* instances({ partition, study, series, instance }: Scope): Generator<InstanceView> {
    if (partition !== PARTITION) return;
    const one = study === undefined ? undefined : indexesOf("study", study)?.study;
    if (study !== undefined && (one === undefined || one >= allStudies)) return;
    for (const index of one === undefined ? Array.from({ length: allStudies }, (_, i) => allStudies - 1 - i) : [one])
      for (const found of ofStudy(index))
        if ((series ?? found.series) === found.series && (instance ?? found.instance) === found.instance) yield found;
  }

  function* groups(scope: Scope, withSeries: boolean): Generator<GroupView> {
    const byStudy = Map.groupBy(instances(scope), ({ study }) => study);
    for (const [study, [newest, ...others]] of byStudy) {
      if (newest === undefined) continue;
      const series = withSeries ? { series: newest.series } : {};
      yield { study, ...series, newest, instanceCount: others.length + 1, modalities: () => ["CT"] };
    }
  }

  return {
    feedBySequence: entries,
    feedByTime(start, end, offset, limit) {
      const within = entries(0, length).filter(({ timestamp: at }) => at >= start && at < end);
      return within.slice(offset, offset + limit);
    },
    latest: () => (latestSequence() === 0 ? undefined : entry(latestSequence())),
    version(scope) {
      const found = [...instances(scope)];
      return found.length === 0
        ? undefined
        : { watermark: Math.max(...found.map(({ watermark }) => watermark)), count: found.length };
    },
    instances,
    series: (scope) => groups(scope, true),
    studies: (scope) => groups(scope, false),
    partitions: () => [{ key: 1, name: PARTITION, created: ticksOfMs(startMs) }],
  };
}

/** As after a bulk update of the Study Description. */
const described = (json: string) => json.replace(/("00081030":\{"vr":"LO","Value":\[")[^"]*/, "$1CT changed later");
