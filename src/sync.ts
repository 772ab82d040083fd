/**
 * One sync: make FHIR say of one study what the DICOM service says now. The steps stand here in order: read, map, look up, plan, write.
 *
 * Why it is safe to run at any time, twice, late, or beside another: the resources are a pure function of what was read, every write is conditional
 * on the version that was looked up, and a sync whose mark is no longer the study's mark writes nothing (`isCurrent`, asked right before the write)
 * or is followed by another sync (settle, asked after it).
 */
import { type Claim, CreatedElsewhere, type Creations, type createClaim, WITHOUT_CLAIM } from "./creations.ts";
import type { DicomClient } from "./dicomweb/index.ts";
import { type ErrorCode, StudycastError } from "./errors.ts";
import {
  type carryOut,
  type ensureEndpoints,
  type FhirClient,
  type FoundStudy,
  lookUpBoth,
  lookUpStudy,
  type Plan,
  planRemoval,
  planStudy,
  type WriteLimits,
  type WritePolicy,
} from "./fhir/index.ts";
import {
  buildStudy,
  createAttributePool,
  endpointKinds,
  endpointResources,
  forPartition,
  type InstanceAttributes,
  type Issue,
  instanceAttributes,
  type MappingOptions,
  studyIdentity,
} from "./mapping/index.ts";
import { type EarlyLookUp, lookUpClaimed, lookUpEarly, noteWritten } from "./referred.ts";
import { unlessRefused } from "./refused.ts";
import { applySiteRules, type SiteModule } from "./site-rules.ts";
import { parseStudyId, type StudyId } from "./study.ts";

/** An instance that is left out of its study, with the reason; UIDs and tags only. */
export type Rejected = {
  series?: string | undefined;
  sop?: string | undefined;
  code: ErrorCode;
  tag?: string | undefined;
};

export type SyncResult = {
  /**
   * `superseded`: another sync has dealt with the mark, the write lost a race, another sync is creating the Patient or a Device, or the feed may yet say more: the
   * study must be synced again.
   */
  kind: "written" | "unchanged" | "removed" | "superseded";
  /** The DICOM service does not hold the study. */
  absent: boolean;
  instances: number;
  writes: number;
  bytes: number;
  rejected: Rejected[];
  issues: Issue[];
  /** Why the FHIR server refused the supporting resources, without which the study was then written. */
  refused?: StudycastError;
  /** Of a superseded one that is put off: it is no use to sync the study again sooner, and nothing has changed of it. */
  againInMs?: number;
};

export type SyncDeps = {
  dicom: DicomClient;
  fhir: FhirClient;
  mapping: MappingOptions;
  /** What the site does to the resources before they are compared; undefined for nothing. */
  siteRules: SiteModule | undefined;
  policy: WritePolicy;
  /** Most entries and bytes of one transaction. */
  limits: WriteLimits;
  /** Longest time for which a study is put off. */
  putOffCapMs: number;
  /** The DICOMweb base address to publish for a partition. */
  endpointAddress(partition: string): string;
  /** Carries out a plan; a dry run hands in one that only tells it. */
  carryOut: typeof carryOut;
  ensureEndpoints: typeof ensureEndpoints;
  /** Whether the feed has been read to its present end. */
  feedIsRead(signal: AbortSignal): Promise<boolean>;
  /** What is being created, so that one resource is created by one sync. */
  creations: Creations;
  /** A dry run, which creates nothing, hands in one that claims nothing. */
  createClaim: typeof createClaim;
  /** Runs a request and takes its time. */
  timed<T>(service: "dicom" | "fhir", operation: string, work: () => Promise<T>): Promise<T>;
};

export type SyncJob = {
  study: StudyId;
  /** A Deleted entry was seen, or an operator has confirmed the deletion: an absent study may be removed from FHIR. */
  gone: boolean;
  /** A process has died in this job: it is not put off, as the new job would know nothing of that, and what is claimed is probably its own. */
  isRetaken: boolean;
  /** Whether the mark this sync began with still is the study's mark. */
  isCurrent(): Promise<boolean>;
  /** Called right before the write, with whose signal it goes on: a lost lock does not end it, or nobody would know whether it has happened. */
  startWrite(): AbortSignal;
};

/** A conflict means that what was looked up is old: everything is read again, the DICOM service too. After this many times the queue waits. */
const CONFLICT_ATTEMPTS = 3;
/** For how long a study is put off whose Patient another sync may be creating: longer than that mostly takes; as long again where it has taken longer. */
const PUT_OFF_MS = 500;

/**
 * Runs one sync.
 * @throws StudycastError of any class; the queue decides by its code.
 */
export async function syncStudy(job: SyncJob, deps: SyncDeps, signal: AbortSignal): Promise<SyncResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await syncOnce(job, deps, signal);
    } catch (error) {
      const conflict = error instanceof StudycastError && error.code === "FHIR_CONFLICT";
      if (!conflict || attempt >= CONFLICT_ATTEMPTS) throw error;
    }
  }
}

async function syncOnce(job: SyncJob, deps: SyncDeps, signal: AbortSignal): Promise<SyncResult> {
  const claim = job.isRetaken ? WITHOUT_CLAIM : deps.createClaim(deps.creations);
  try {
    return await syncClaimed(job, deps, claim, signal);
  } catch (error) {
    if (!(error instanceof CreatedElsewhere)) throw error;
    return {
      ...NOTHING_DONE,
      absent: false,
      instances: 0,
      rejected: [],
      issues: [],
      againInMs: Math.min(Math.max(PUT_OFF_MS, error.ageMs), deps.putOffCapMs),
    };
  } finally {
    await claim.end();
  }
}

async function syncClaimed(job: SyncJob, deps: SyncDeps, claim: Claim, signal: AbortSignal): Promise<SyncResult> {
  const begun = Promise.withResolvers<InstanceAttributes | undefined>();
  const [{ found, early }, read] = await together(signal, [
    async (both) => lookUp(job.study, await begun.promise, deps, claim, both),
    (both) =>
      deps
        .timed("dicom", "read-study", () => readAndReduce(job.study, deps, begun.resolve, both))
        .catch((error: unknown) => {
          begun.reject(error);
          throw error;
        }),
  ]);
  if (read === "absent") return removeStudy(job, deps, found, signal);

  const { instances, rejected } = read;
  const first = rejected[0];
  if (instances.length === 0)
    throw new StudycastError(first?.code ?? "INSTANCE_INVALID", { instances: rejected.length });

  const built = buildStudy(job.study, instances, deps.mapping);
  // All of it was taken back by rejection notes: that is as good as told deletions, but of instances that could not be read nobody knows.
  if (built.imagingStudy.numberOfInstances === 0 && first !== undefined)
    throw new StudycastError(first.code, { instances: rejected.length });
  if (built.imagingStudy.numberOfInstances === 0)
    return { ...(await removeStudy({ ...job, gone: true }, deps, found, signal)), issues: built.issues };
  const wanted = deps.siteRules === undefined ? built : applySiteRules(built, deps.siteRules, deps.mapping);
  const { partition } = parseStudyId(job.study);
  const endpoints = endpointResources(deps.mapping, partition, deps.endpointAddress(partition));
  const { ownership } = wanted;
  const prepare = () => deps.ensureEndpoints(deps.fhir, { endpoints, ownership }, found, signal);
  const { patient, supporting } = await lookUpClaimed(wanted, early, claim, deps, signal);
  const plan = (policy: WritePolicy) => planStudy(found, patient, wanted, policy, supporting);
  const planWithout = () => plan({ ...deps.policy, supportingPolicy: "refer" });
  const outcome = await unlessRefused(plan(deps.policy), planWithout, (one) => write(job, deps, one, prepare, signal));
  if (outcome.writes > 0) noteWritten(wanted, { isRefused: outcome.refused !== undefined }, deps);
  return { ...outcome, absent: false, instances: instances.length, rejected, issues: wanted.issues };
}

/**
 * What FHIR holds of the study and of what it refers to, as far as its first instance tells that; while the others are still being read. A study without
 * instances refers to nothing.
 */
async function lookUp(
  study: StudyId,
  first: InstanceAttributes | undefined,
  deps: SyncDeps,
  claim: Claim,
  signal: AbortSignal,
): Promise<{ found: FoundStudy; early?: EarlyLookUp }> {
  const { fhir, mapping } = deps;
  const identity = studyIdentity(mapping.sourceId, study, endpointKinds(mapping));
  const timed = (work: () => Promise<FoundStudy>) => deps.timed("fhir", "look-up-study", work);
  if (first === undefined) return { found: await timed(() => lookUpStudy(fhir, identity, signal)) };
  const wanted = buildStudy(study, [first], mapping);
  const begin = () => lookUpBoth(fhir, identity, wanted, signal);
  const both = await lookUpEarly(wanted, claim, deps, begin);
  return { found: await timed(() => both.study), early: both.early };
}

/**
 * The study's instances, each reduced to its attributes as soon as it is read, so that memory is bounded by the attributes, not by the metadata.
 * @param onFirst told the first instance that can be represented, as soon as it is read; undefined at the end when there is none
 */
async function readAndReduce(
  study: StudyId,
  deps: SyncDeps,
  onFirst: (instance: InstanceAttributes | undefined) => void,
  signal: AbortSignal,
): Promise<"absent" | { instances: InstanceAttributes[]; rejected: Rejected[] }> {
  const mapping = forPartition(deps.mapping, parseStudyId(study).partition);
  let pool = createAttributePool();
  let instances: InstanceAttributes[] = [];
  let rejected: Rejected[] = [];
  const read = await deps.dicom.readStudy(
    study,
    {
      onInstance(dataset) {
        const attributes = instanceAttributes(dataset, mapping, pool);
        if (attributes.kind === "rejected") rejected.push(attributes);
        else if (instances.push(attributes) === 1) onFirst(attributes);
      },
      restart() {
        pool = createAttributePool();
        instances = [];
        rejected = [];
      },
    },
    signal,
  );
  onFirst(undefined);
  if (read.kind === "absent") return "absent";
  return { instances, rejected: [...rejected, ...read.unreadable] };
}

/** The study is not in the DICOM service. Only a deletion that was told of takes it out of FHIR: a service that has lost data must not empty the record. */
async function removeStudy(job: SyncJob, deps: SyncDeps, found: FoundStudy, signal: AbortSignal): Promise<SyncResult> {
  // Retracted once already, because others referred to it: there is nothing more to lose.
  const retracted = found.own.every(({ status }) => status === "entered-in-error");
  const plan: Plan = retracted && !job.gone ? { kind: "unchanged" } : planRemoval(found, deps.policy);
  const isUntold = plan.kind !== "unchanged" && !job.gone;
  if (isUntold && (await deps.feedIsRead(signal))) throw new StudycastError("STUDY_VANISHED");
  // The feed may tell of the deletion in what is not read yet: nothing is written, and the study is looked at again.
  const outcome = isUntold ? NOTHING_DONE : await write(job, deps, plan, async () => {}, signal);
  return {
    ...outcome,
    kind: outcome.kind === "written" ? "removed" : outcome.kind,
    absent: true,
    instances: 0,
    rejected: [],
    issues: [],
  };
}

type WriteOutcome = { kind: "written" | "unchanged" | "superseded"; writes: number; bytes: number };
const NOTHING_DONE: WriteOutcome = { kind: "superseded", writes: 0, bytes: 0 };

async function write(
  job: SyncJob,
  deps: SyncDeps,
  plan: Plan,
  prepare: () => Promise<void>,
  signal: AbortSignal,
): Promise<WriteOutcome> {
  if (plan.kind === "waiting") throw new StudycastError(plan.code);
  await prepare();
  if (plan.kind === "unchanged") return { kind: "unchanged", writes: 0, bytes: 0 };
  if (!(await job.isCurrent())) return NOTHING_DONE;
  signal.throwIfAborted();
  const writing = job.startWrite();
  const done = await deps.timed("fhir", "write", () => deps.carryOut(deps.fhir, plan, deps.limits, writing));
  if (done.kind === "lost-race") return NOTHING_DONE;
  return { kind: "written", writes: done.writes, bytes: done.bytes };
}

/** Runs both at once; the failure of one ends the other, and its own error is the one thrown. */
async function together<A, B>(
  signal: AbortSignal,
  [first, second]: [(signal: AbortSignal) => Promise<A>, (signal: AbortSignal) => Promise<B>],
): Promise<[A, B]> {
  const other = new AbortController();
  const both = AbortSignal.any([signal, other.signal]);
  let cause: { error: unknown } | undefined;
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      cause ??= { error };
      other.abort();
      throw error;
    }
  };
  const [a, b] = await Promise.allSettled([watch(first(both)), watch(second(both))]);
  if (cause !== undefined) throw cause.error;
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}
