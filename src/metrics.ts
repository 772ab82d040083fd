/**
 * Every metric studycast shows: one row per name. docs/metrics.md is printed from this table. No label holds a study or a person.
 * Counters and histograms only grow, so that nothing is missed between two scrapes; gauges tell a present state.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

type Row = {
  type: "counter" | "gauge" | "histogram";
  help: string;
  labels?: readonly string[];
  buckets?: readonly number[];
};

const lagBuckets = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const syncBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export const METRICS = {
  feed_entries_total: {
    type: "counter",
    help: "Change feed entries read, by priority (live, low) and action (create, update, delete, unknown).",
    labels: ["priority", "action"],
  },
  feed_pages_total: { type: "counter", help: "Feed pages stored together with the checkpoint.", labels: ["priority"] },
  feed_studies_marked_total: { type: "counter", help: "Studies marked as pending by the feed.", labels: ["priority"] },
  feed_entries_rejected_total: { type: "counter", help: "Feed entries without usable UIDs.", labels: ["code"] },
  feed_holes_expired_total: {
    type: "counter",
    help: "Sequences that did not appear within the grace period; each place is read once more later.",
  },
  feed_entries_late_total: {
    type: "counter",
    help: "Entries found by the late read only: they were committed later than GRACE_MS allows.",
  },
  feed_sequences_missing_total: {
    type: "counter",
    help: "Sequences given up after the late read; services leave some out.",
  },
  feed_errors_total: { type: "counter", help: "Feed requests that failed, by error code.", labels: ["code"] },
  feed_latest_sequence: { type: "gauge", help: "Last sequence of the feed, sampled by a timer of its own." },
  feed_scan_sequence: { type: "gauge", help: "Sequence up to which the feed has been read." },
  feed_behind_entries_max: {
    type: "gauge",
    help: "Largest distance between the end of the feed and the reading position in the last five minutes, in sequences.",
  },
  feed_holes: { type: "gauge", help: "Missing sequences that may still appear." },
  feed_low_ranges: { type: "gauge", help: "Ranges of low priority still to read (backfill, re-reads, resync)." },
  feed_degraded: {
    type: "gauge",
    help: "1 while the feed cannot be read, and for an hour after entries came later than GRACE_MS allows; 0 otherwise.",
  },
  feed_stopped: { type: "gauge", help: "1 while following is stopped because the feed was reset, 0 otherwise." },
  feed_backpressure: { type: "gauge", help: "1 while the feed is not read because too much is pending, 0 otherwise." },
  follower: { type: "gauge", help: "1 while this process follows the feed, 0 otherwise." },

  lag_feed_to_mark_seconds: {
    type: "histogram",
    help: "From an entry's timestamp in the feed to its study being marked.",
    labels: ["priority"],
    buckets: lagBuckets,
  },
  lag_mark_to_fhir_seconds: {
    type: "histogram",
    help: "From a study being marked to FHIR holding it.",
    labels: ["priority"],
    buckets: lagBuckets,
  },
  lag_end_to_end_seconds: {
    type: "histogram",
    help: "From the first entry a sync covers to FHIR holding it.",
    labels: ["priority"],
    buckets: lagBuckets,
  },

  pending_studies: { type: "gauge", help: "Studies marked and not yet synced.", labels: ["priority"] },
  waiting_studies: { type: "gauge", help: "Pending studies that wait for something, by error code.", labels: ["code"] },
  oldest_pending_seconds: { type: "gauge", help: "Age of the study that has been pending for longest." },
  failed_studies: { type: "gauge", help: "Studies that need a person." },
  studies_with_rejected_instances: { type: "gauge", help: "Studies whose last sync left instances out." },

  syncs_total: {
    type: "counter",
    help: "Syncs that ended, by outcome (written, unchanged, removed, superseded, retried, waiting, failed).",
    labels: ["outcome"],
  },
  sync_seconds: { type: "histogram", help: "Duration of a sync.", labels: ["outcome"], buckets: syncBuckets },
  sync_retries_total: { type: "counter", help: "Syncs that will be tried again, by error code.", labels: ["code"] },
  sync_failures_total: { type: "counter", help: "Syncs that ended as failed, by error code.", labels: ["code"] },
  syncs_running: { type: "gauge", help: "Syncs in flight in this process." },
  instances_read_total: { type: "counter", help: "Instances whose metadata was read." },
  instances_rejected_total: {
    type: "counter",
    help: "Instances left out of their study, by error code and DICOM tag.",
    labels: ["code", "tag"],
  },
  supporting_refused_total: {
    type: "counter",
    help: "Studies written without Device and other supporting resources because the FHIR server refuses these, by error code.",
    labels: ["code"],
  },
  values_left_out_total: {
    type: "counter",
    help: "Values that could not be represented, by DICOM tag; the rest of the instance was synced.",
    labels: ["tag"],
  },
  fhir_writes_total: { type: "counter", help: "Resources written to the FHIR server." },
  fhir_write_bytes_total: { type: "counter", help: "Bytes sent to the FHIR server in writes." },
  request_seconds: {
    type: "histogram",
    help: "Requests to a service, by service (dicom, fhir), operation and outcome (ok, or an error code).",
    labels: ["service", "operation", "outcome"],
    buckets: requestBuckets,
  },
  pauses_total: {
    type: "counter",
    help: "Times all syncs were paused because a service was away.",
    labels: ["service", "code"],
  },
  paused: {
    type: "gauge",
    help: "1 while all syncs are paused because of the service, 0 otherwise.",
    labels: ["service"],
  },
  jobs_healed_total: { type: "counter", help: "Pending studies found without a job and enqueued again." },
  queue_worker_reopened_total: {
    type: "counter",
    help: "Times the queue's worker was opened anew because jobs waited and none started.",
  },
  second_looks_total: {
    type: "counter",
    help: "Studies looked at once more, SECOND_LOOK_MS after a write whose answer never came, or a process died in their sync.",
  },
  operator_requests_total: { type: "counter", help: "Operators' requests carried out, by kind.", labels: ["kind"] },
  start_errors_total: {
    type: "counter",
    help: "Checks of the start that failed, by error code; one that ends the process is seen by its exit code only.",
    labels: ["code"],
  },
  redis_errors_total: { type: "counter", help: "Looks at Redis that failed, by error code.", labels: ["code"] },
  redis_memory_bytes: { type: "gauge", help: "Memory Redis uses." },
  ready: { type: "gauge", help: "1 while /readyz answers 200, 0 otherwise." },
  info: { type: "gauge", help: "Always 1; carries the version and the source.", labels: ["version", "source"] },
} as const satisfies Record<string, Row>;

type Names<T extends Row["type"]> = {
  [K in keyof typeof METRICS]: (typeof METRICS)[K]["type"] extends T ? K : never;
}[keyof typeof METRICS];
type LabelsOf<K extends keyof typeof METRICS> = (typeof METRICS)[K] extends {
  labels: readonly (infer L extends string)[];
}
  ? [labels: Record<L, string>]
  : [];

export type Metrics = {
  /** Adds to a counter; a negative or missing amount is a mistake of ours and throws. */
  inc<K extends Names<"counter">>(name: K, by: number, ...labels: LabelsOf<K>): void;
  /** Seconds into a histogram; negative ones, which only clocks that differ can make, count as 0. */
  observe<K extends Names<"histogram">>(name: K, seconds: number, ...labels: LabelsOf<K>): void;
  set<K extends Names<"gauge">>(name: K, value: number, ...labels: LabelsOf<K>): void;
  /** Sets a gauge with one label for exactly these values; the others vanish. */
  setAll(name: "waiting_studies", values: Readonly<Record<string, number>>): void;
  /** The page for Prometheus (text format 0.0.4). */
  page(): Promise<string>;
};

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;
export const METRIC_PREFIX = "studycast_";

/** Metrics of one process, in a registry of their own; with `process` also Node's (memory, event loop, garbage collection). */
export function createMetrics(options: { process: boolean }): Metrics {
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, row] of Object.entries<Row>(METRICS)) {
    const common = { name: METRIC_PREFIX + name, help: row.help, labelNames: row.labels ?? [], registers: [registry] };
    if (row.type === "counter") counters.set(name, new Counter(common));
    else if (row.type === "gauge") gauges.set(name, new Gauge(common));
    else histograms.set(name, new Histogram({ ...common, buckets: [...(row.buckets ?? [])] }));
  }
  if (options.process) collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
  return {
    inc: (name, by, ...labels) => counters.get(name)?.inc(labels[0] ?? {}, by),
    observe: (name, seconds, ...labels) => histograms.get(name)?.observe(labels[0] ?? {}, Math.max(0, seconds)),
    set: (name, value, ...labels) => gauges.get(name)?.set(labels[0] ?? {}, value),
    setAll(name, values) {
      gauges.get(name)?.reset();
      for (const [code, value] of Object.entries(values)) gauges.get(name)?.set({ code }, value);
    },
    page: () => registry.metrics(),
  };
}
