/**
 * The store of real Part 10 files, in memory. State:
 * - the feed table: append-only, what really happened and when;
 * - the instance tree: the current version of every instance;
 * - held writes: sequence and Timestamp are drawn, nothing is visible yet (a transaction before its commit).
 * Invariant: the tree is what a replay of all committed rows, by order of commit, gives.
 */
import type {
  DicomBackend,
  DicomWriter,
  FeedAction,
  FeedEntry,
  Scope,
  StoreOutcome,
  StoreRequest,
  Ticks,
} from "./backend.ts";
import { createClock, type ServiceClock } from "./clock.ts";
import { datasetJson } from "./dataset-json.ts";
import { datasetText } from "./dicom-json.ts";
import { createFeedTable, type FeedRow } from "./feed-table.ts";
import { createInstanceTree } from "./instance-tree.ts";
import { readPart10 } from "./part10.ts";
import { firstText, judge } from "./store-rules.ts";
import { tag } from "./tags.ts";
import { createVersion, updatedVersion, type Version } from "./version.ts";

export const defaultPartition = "Microsoft.Default";

type Change = { readonly action: FeedAction; readonly version: Version };
type Held = { readonly rows: readonly FeedRow[]; readonly keys: readonly string[] };

export type MemoryStore = DicomBackend & {
  readonly writer: DicomWriter;
  readonly clock: ServiceClock;
  /** The next `writes` write transactions draw their numbers but are committed later, by `release`. */
  hold(writes: number): void;
  /** Commits held writes, oldest first (all, or `count`); the number committed. */
  release(count?: number): number;
  /** Rolls held writes back: their sequences stay unused for ever. */
  rollBack(): number;
  /** Sequences that are given out and never used (contract §2.3). */
  gap(size: number): void;
  /** A committed row with any JSON members: what a broken service might send. */
  appendRow(row: { overrides: Record<string, unknown>; study?: string; series?: string; instance?: string }): number;
  /** Goes back to the state at `sequence` (a restored backup); 0 is a new, empty service. */
  reset(sequence: number): void;
};

export function createMemoryStore(): MemoryStore {
  const clock = createClock();
  const feed = createFeedTable();
  const tree = createInstanceTree();
  const partitions = new Map([[defaultPartition, { key: 1, name: defaultPartition, created: clock.now() }]]);
  let watermark = 0;
  let toHold = 0;
  let held: Held[] = [];
  /** Rows in order of commit. */
  let committed: FeedRow[] = [];

  function apply(row: FeedRow): void {
    if (row.action === "Delete") {
      const current = tree.get(row.partition, row.study, row.series, row.instance);
      if (current) tree.remove(current);
    } else if (row.version) tree.put(row.version);
  }

  function commit(rows: readonly FeedRow[]): void {
    for (const row of rows) {
      feed.add(row);
      committed.push(row);
      apply(row);
    }
  }

  function write(changes: readonly Change[], timestamp: Ticks): void {
    const rows = changes.map(({ action, version }) => rowOf(feed.draw(), timestamp, action, version));
    if (toHold > 0) {
      toHold--;
      held.push({
        rows,
        keys: changes.filter(({ action }) => action === "Create").map(({ version }) => keyOf(version)),
      });
    } else commit(rows);
  }

  function entry(row: FeedRow): FeedEntry {
    const { version: _, watermark: own, ...rest } = row;
    const current = tree.get(row.partition, row.study, row.series, row.instance);
    const state = current === undefined ? "Deleted" : current.watermark === own ? "Current" : "Replaced";
    return { ...rest, state, current };
  }

  const writer: DicomWriter = {
    store(request) {
      const read = readInstance(request, watermark + 1);
      if (!read.version) return read.outcome;
      const { partition, study, series, instance } = read.version;
      const known = { stored: false, sopClass: read.version.sopClass, instance } as const;
      if (tree.get(partition, study, series, instance))
        return { ...known, failure: { code: 45070, errors: ["The instance already exists."] } };
      if (held.some(({ keys }) => keys.includes(keyOf(read.version))))
        return { ...known, failure: { code: 45071, errors: ["The instance is being created."] } };
      watermark++;
      if (!partitions.has(partition))
        partitions.set(partition, { key: partitions.size + 1, name: partition, created: clock.now() });
      write([{ action: "Create", version: read.version }], clock.createStamp());
      return read.outcome;
    },
    delete(scope) {
      const found = tree.find(scope);
      if (found.length > 0)
        write(
          found.map((version) => ({ action: "Delete", version })),
          clock.now(),
        );
      return found.length;
    },
    update(partition, study, change) {
      const found = tree.find({ partition, study }).reverse();
      const changes = found.map((version) => ({
        action: "Update" as const,
        version: updatedVersion(version, ++watermark, change),
      }));
      if (changes.length > 0) write(changes, clock.now());
      return found.length;
    },
  };

  return {
    writer,
    clock,
    feedBySequence: (after, upTo) => feed.after(after, upTo).map(entry),
    feedByTime(start, end, offset, limit) {
      const rows = feed.byTime().filter((row) => row.timestamp >= start && row.timestamp < end);
      return rows.slice(offset, offset + limit).map(entry);
    },
    latest(order) {
      const row = (order === "sequence" ? feed.rows() : feed.byTime()).at(-1);
      return row && entry(row);
    },
    version(scope) {
      const found = tree.find(scope);
      return found[0] && { watermark: found[0].watermark, count: found.length };
    },
    instances: (scope: Scope) => tree.find(scope),
    series: (scope) => tree.series(scope),
    studies: (scope) => tree.studies(scope),
    partitions: () => [...partitions.values()],
    hold(writes) {
      toHold = writes;
    },
    release(count = held.length) {
      const due = held.splice(0, count);
      for (const { rows } of due) commit(rows);
      return due.length;
    },
    rollBack() {
      const count = held.length;
      held = [];
      return count;
    },
    gap: (size) => feed.skip(size),
    appendRow({ overrides, study = "1.2.3", series = "1.2.3.1", instance = "1.2.3.1.1" }) {
      const sequence = feed.draw();
      const identity = { partition: defaultPartition, study, series, instance };
      commit([{ ...identity, sequence, timestamp: clock.now(), action: "Create", watermark: 0, overrides }]);
      return sequence;
    },
    reset(sequence) {
      held = [];
      toHold = 0;
      feed.truncate(sequence);
      committed = committed.filter((row) => row.sequence <= sequence);
      tree.clear();
      for (const row of committed) apply(row);
    },
  };
}

type Read =
  | { outcome: StoreOutcome; version?: undefined }
  | { outcome: StoreOutcome & { stored: true }; version: Version };

function readInstance({ bytes, partition, api, study: requestStudy }: StoreRequest, watermark: number): Read {
  const file = readPart10(bytes);
  if (!file)
    return { outcome: { stored: false, failure: { code: 272, errors: ["The file is not a DICOM Part 10 file."] } } };
  const dataset = datasetJson(file.view, file.elements);
  const sopClass = firstText(dataset, tag.sopClass);
  const instance = firstText(dataset, tag.sopInstance);
  const known = { ...(sopClass !== undefined && { sopClass }), ...(instance !== undefined && { instance }) };
  const verdict = judge(dataset, api, requestStudy);
  if (!verdict.ok) return { outcome: { stored: false, failure: verdict.failure, ...known } };
  if (file.damaged)
    return { outcome: { stored: false, failure: { code: 272, errors: ["The dataset is damaged."] }, ...known } };
  const [study, series] = [firstText(dataset, tag.study) ?? "", firstText(dataset, tag.series) ?? ""];
  for (const item of verdict.drop) delete dataset[item];
  const identity = { partition, study, series, instance: instance ?? "", sopClass: sopClass ?? "" };
  const { transferSyntax } = file;
  const version = createVersion({ ...identity, watermark, text: datasetText(dataset), bytes, transferSyntax });
  const { warnings, multiValued } = verdict;
  const implicitVr = transferSyntax === "1.2.840.10008.1.2";
  return { outcome: { stored: true, ...identity, warnings, multiValued, implicitVr }, version };
}

function rowOf(sequence: number, timestamp: Ticks, action: FeedAction, version: Version): FeedRow {
  const { partition, study, series, instance, watermark } = version;
  const identity = { partition, study, series, instance };
  return { sequence, timestamp, action, ...identity, watermark, ...(action !== "Delete" && { version }) };
}

function keyOf({ partition, study, series, instance }: Version): string {
  return [partition, study, series, instance].join("/");
}
