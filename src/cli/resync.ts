/** `studycast resync` */
import { createAuthorize } from "../auth/index.ts";
import { type OptionName, optionList, type PartialConfig } from "../config.ts";
import { createDicomClient, probePartitions } from "../dicomweb/index.ts";
import { StudycastError } from "../errors.ts";
import type { Request } from "../request.ts";
import { DEFAULT_PARTITION, type StudyId } from "../study.ts";
import { type Command, type Context, STATE_OPTIONS, UsageError } from "./command.ts";
import { carryOutRequest, REQUEST_FLAGS, REQUEST_JSON } from "./follow-request.ts";
import { withState } from "./open-state.ts";
import { dateRange, instant, studyIds } from "./study-arguments.ts";

const dicomOptions = optionList()
  .map(([name]): OptionName => name)
  .filter((name) => name.startsWith("DICOM_") && name !== "DICOM_PUBLIC_URL");

export const resyncCommand: Command = {
  name: "resync",
  summary: "Syncs studies again, whether they changed or not.",
  details: [
    "What is right in FHIR is not written again. Studies are synced at low priority, so that new images do not wait. The request is kept in Redis and carried out by the worker: the command may be interrupted, and repeated.",
    "A study that is no longer in the DICOM service is removed from FHIR only if the feed has told of its deletion, or with --confirm-deletes.",
  ],
  flags: [
    { flag: "--study <uid...>", about: "StudyInstanceUID, or partition/StudyInstanceUID" },
    {
      flag: "--patient <id>",
      about: "all studies the DICOM service has of a Patient ID (asked for here; the ID is not stored)",
    },
    { flag: "--study-date <range>", about: "studies of these days: A..B, A.. or ..B" },
    { flag: "--changed-since <time>", about: "studies the feed reports since then" },
    { flag: "--until <time>", about: "with --changed-since: up to then" },
    { flag: "--all", about: "every study of the DICOM service, and every study of this source in FHIR" },
    { flag: "--confirm-deletes", about: "remove from FHIR what is no longer in the DICOM service" },
    ...REQUEST_FLAGS,
  ],
  options: [...STATE_OPTIONS, ...dicomOptions],
  examples: [
    {
      command: "studycast resync --study 1.2.840.113619.2.1 --confirm-deletes",
      about: "one study, also if it is gone",
    },
    { command: "studycast resync --changed-since 2026-01-31T00:00:00Z", about: "after a suspected gap" },
    { command: "studycast resync --all", about: "after the FHIR server was restored or emptied" },
  ],
  json: REQUEST_JSON,
  async run(context) {
    const config = context.partConfig("state");
    const request = await readRequest(context, config);
    await withState(config, context.stop, (state) => carryOutRequest(request, state, config.SOURCE_ID, context));
  },
};

const SELECTORS = ["study", "patient", "studyDate", "changedSince", "all"] as const;

async function readRequest(context: Context, config: PartialConfig): Promise<Request> {
  const { flags } = context;
  const given = SELECTORS.filter((name) => flags[name] !== undefined && flags[name] !== false);
  const confirmDeletes = flags["confirmDeletes"] === true;
  if (given.length !== 1)
    throw new UsageError(
      "say which studies: one of --study, --patient, --study-date, --changed-since, --all.",
      "studycast resync --help",
    );
  if (confirmDeletes && given[0] === "changedSince")
    throw new UsageError(
      "--confirm-deletes does not go with --changed-since: the feed itself tells of deletions.",
      "studycast resync --all --confirm-deletes",
    );
  if (flags["until"] !== undefined && given[0] !== "changedSince")
    throw new UsageError("--until goes with --changed-since.", "studycast resync --help");
  switch (given[0]) {
    case "study":
      return { kind: "study", studies: studyIds(flags["study"]), confirmDeletes };
    case "patient":
      return {
        kind: "study",
        studies: await studiesOfPatient(String(flags["patient"]), config, context.stop),
        confirmDeletes,
      };
    case "studyDate":
      return { kind: "study-date", ...dateRange(String(flags["studyDate"])), confirmDeletes };
    case "changedSince":
      return { kind: "changed", ...changedBetween(flags), confirmDeletes };
    default:
      return { kind: "all", confirmDeletes };
  }
}

function changedBetween(flags: Context["flags"]): { sinceMs: number; untilMs?: number } {
  const sinceMs = instant("--changed-since", String(flags["changedSince"]));
  if (flags["until"] === undefined) return { sinceMs };
  const untilMs = instant("--until", String(flags["until"]));
  if (untilMs < sinceMs) throw new UsageError("--until lies before --changed-since.", "studycast resync --help");
  return { sinceMs, untilMs };
}

/** Asked for here and not by the worker, so that the patient ID gets into no request, job or log. */
async function studiesOfPatient(patientId: string, config: PartialConfig, signal: AbortSignal): Promise<StudyId[]> {
  const { DICOM_URL: url, DICOM_TIMEOUT_MS: requestTimeoutMs } = config;
  if (url === undefined)
    throw new StudycastError("CONFIG_INVALID", {
      problems: ["DICOM_URL is missing: --patient asks the DICOM service"],
    });
  if (/[*?\\]/.test(patientId))
    throw new UsageError("--patient expects one Patient ID, without wildcards.", "studycast resync --study-date A..B");
  const authorize = createAuthorize(config.dicomAuth, {
    service: "dicom",
    requestTimeoutMs,
    stop: signal,
    now: Date.now,
  });
  const idleTimeoutMs = config.DICOM_IDLE_TIMEOUT_MS;
  const service = { url, requestTimeoutMs, idleTimeoutMs, ...(authorize ? { authorize } : {}) };
  const partitions = await probePartitions(service, signal);
  const dicom = createDicomClient({
    ...service,
    partitions,
    maxInstanceBytes: config.DICOM_MAX_INSTANCE_BYTES,
  });
  const studies: StudyId[] = [];
  for (const partition of partitions ? await dicom.partitions(signal) : [DEFAULT_PARTITION])
    for await (const study of dicom.searchStudies({ patientId }, partition, signal)) studies.push(study);
  if (studies.length === 0)
    throw new UsageError(
      "the DICOM service has no study of this patient.",
      "studycast resync --study UID --confirm-deletes, if one was deleted",
    );
  return studies;
}
