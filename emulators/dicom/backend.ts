/**
 * What the HTTP layer needs from a store. Two stores implement it: `memory-store.ts` (real Part 10 files, writable)
 * and `synthetic.ts` (computed answers for load tests, read-only, nothing held in memory).
 *
 * Rules every backend keeps:
 * - All methods are synchronous and cheap to start; iterables are lazy, so a study of any size can be streamed. The HTTP
 *   layer stops iterating early (limit, client gone) and waits for the socket between two instances.
 * - Texts are complete JSON already: `InstanceView.json()` is one DICOM JSON dataset as the service sends it.
 * - Faults (bad blobs, broken reads, delays, status codes) are put in by the HTTP layer; a backend only tells the truth.
 */

/** 100-ns units since 0001-01-01T00:00:00Z, as .NET counts them; see ticks.ts. */
export type Ticks = bigint;

export type FeedAction = "Create" | "Delete" | "Update";
export type FeedState = "Current" | "Replaced" | "Deleted";

/** One row of the change feed as it reads now: state and metadata belong to today's version (contract §1.4). */
export type FeedEntry = {
  readonly sequence: number;
  readonly timestamp: Ticks;
  readonly action: FeedAction;
  readonly state: FeedState;
  readonly partition: string;
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  /** Today's version of the instance; undefined exactly when `state` is Deleted. */
  readonly current: InstanceView | undefined;
  /** Only for scripted malformed rows: JSON members that replace those of the entry (undefined leaves one out). */
  readonly overrides?: Readonly<Record<string, unknown>>;
};

/** One stored instance in one version. */
export type InstanceView = {
  readonly partition: string;
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  /** Grows with every version of every instance in the service; the ETag of the instance. */
  readonly watermark: number;
  /** DICOM JSON text of the dataset (contract §7). `original`: the version before the first bulk update, if there was one. */
  json(original?: boolean): string;
  /** The stored Part 10 file. Absent for backends without files: retrieving such an instance is a 404. */
  file?(): { readonly bytes: Uint8Array; readonly transferSyntax: string };
};

/** A series or a study as QIDO-RS sees it. Its level attributes come from its newest instance. */
export type GroupView = {
  readonly study: string;
  /** Present for a series only. */
  readonly series?: string;
  readonly newest: InstanceView;
  readonly instanceCount: number;
  /** Distinct Modality values of its series. */
  modalities(): readonly string[];
};

/** What a request addresses: everything of a partition, or one study, series or instance of it. */
export type Scope = {
  readonly partition: string;
  readonly study?: string;
  readonly series?: string;
  readonly instance?: string;
};

export type DicomBackend = {
  /** Rows with `after < sequence <= upTo`, by sequence. `upTo` may be far beyond the end (window of API v1). */
  feedBySequence(after: number, upTo: number): readonly FeedEntry[];
  /** Rows with `start <= timestamp < end`, by (timestamp, sequence), skipping `offset` rows, at most `limit` (API v2). */
  feedByTime(start: Ticks, end: Ticks, offset: number, limit: number): readonly FeedEntry[];
  /** The row with the greatest sequence (v1) or the greatest (timestamp, sequence) (v2); undefined on an empty feed. */
  latest(order: "sequence" | "time"): FeedEntry | undefined;

  /** Greatest watermark and number of instances in scope: ETags, and whether anything matches. Undefined: no instance. */
  version(scope: Scope): { readonly watermark: number; readonly count: number } | undefined;

  /** Instances in scope, newest first (watermark descending). Serves study, series and instance metadata and QIDO-RS. */
  instances(scope: Scope): Iterable<InstanceView>;
  /** Series in scope, newest first. */
  series(scope: Scope): Iterable<GroupView>;
  /** Studies in scope, newest first. */
  studies(scope: Scope): Iterable<GroupView>;

  /** Names of the existing partitions with their creation time; `Microsoft.Default` is always one of them. */
  partitions(): readonly { readonly key: number; readonly name: string; readonly created: Ticks }[];

  /** Absent on a read-only backend: STOW-RS, DELETE and $bulkUpdate then answer 405. */
  readonly writer?: DicomWriter;
};

/** Why a file was refused, as STOW-RS reports it: FailureReason (0008,1197) and one sentence per offending attribute. */
export type StoreFailure = { readonly code: 272 | 43264 | 45070 | 45071; readonly errors: readonly string[] };

export type StoreOutcome =
  | {
      readonly stored: true;
      readonly partition: string;
      readonly study: string;
      readonly series: string;
      readonly instance: string;
      readonly sopClass: string;
      /** Sentences on dropped attributes (v2) or on the whole instance. */
      readonly warnings: readonly string[];
      /** HTTP warning of an indexed attribute with several values. */
      readonly multiValued: boolean;
      /** The file is in implicit VR: warning 45063 (contract §4.3). */
      readonly implicitVr: boolean;
    }
  | {
      readonly stored: false;
      readonly failure: StoreFailure;
      readonly sopClass?: string;
      readonly instance?: string;
    };

export type StoreRequest = {
  readonly bytes: Uint8Array;
  readonly partition: string;
  readonly api: 1 | 2;
  /** The study of the request URL: an instance of another study is refused. */
  readonly study?: string;
};

/** The writing half. Every call is one transaction: all its feed rows appear at once. */
export type DicomWriter = {
  store(request: StoreRequest): StoreOutcome;
  /** Deletes what is in scope; the number of instances deleted. */
  delete(scope: Scope): number;
  /** Applies a DICOM JSON change dataset to one study; the number of instances changed. */
  update(partition: string, study: string, change: Readonly<Record<string, unknown>>): number;
};
