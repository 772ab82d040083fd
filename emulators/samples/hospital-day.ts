// A generated hospital day: what a DICOM service sees between eight in the morning and the evening, in order.
import { type Dataset, text } from "./dataset.ts";
import { dayPlans } from "./day-plans.ts";
import { type WriteOptions, writePart10 } from "./part10.ts";
import { patientModule } from "./patients.ts";
import { imageUid, type StudyPlan, seriesUid, studyInstances, studyUid } from "./study.ts";

type When = {
  /** Time of day, `HH:MM`. */
  at: string;
  /** What happens, for a progress line; no names or IDs. */
  what: string;
};
type Change = { kind: "bulkUpdate"; studyInstanceUids: readonly string[]; changeDataset: Dataset };
/** `path` starts at the version prefix: `/studies/{s}[/series/{se}/instances/{i}]`. */
type Removal = { kind: "delete"; path: string };

/** One request of the day: STOW-RS of Part 10 files, `$bulkUpdate`, or DELETE. */
export type HospitalDayStep = When & ({ kind: "store"; files: readonly Uint8Array[] } | Change | Removal);

/** One study as the service should hold it in the evening. */
export type EveningStudy = {
  studyInstanceUid: string;
  patientId: string | undefined;
  issuer: string | undefined;
  patientName: string | undefined;
  accession: string | undefined;
  /** Distinct, sorted. */
  modalities: readonly string[];
  series: readonly { seriesInstanceUid: string; modality: string; instances: number }[];
  instances: number;
};

type Event = When & ({ kind: "store"; instances: readonly Dataset[]; write?: WriteOptions } | Change | Removal);

function events(seed: string): Event[] {
  const day = dayPlans(seed);
  const instances = (plan: StudyPlan): Dataset[] => studyInstances(seed, plan);
  const store = (at: string, what: string, list: readonly Dataset[], write?: WriteOptions): Event => ({
    at,
    what,
    kind: "store",
    instances: list,
    ...(write === undefined ? {} : { write }),
  });
  const bySeries = (at: string, what: string, plan: StudyPlan): Event[] =>
    plan.series.map((one) => store(at, `${what}: series ${one.number}`, instances({ ...plan, series: [one] })));
  const mr = instances(day.mr);
  const path = `/studies/${studyUid(seed, day.mr)}/series/${seriesUid(seed, day.mr, 1)}`;
  return [
    ...bySeries("08:05", "CT of the chest", day.ct),
    store("08:30", "MR of the head, all but the last three images", mr.slice(0, -3)),
    store("08:50", "two chest radiographs", instances(day.greekCr), { transferSyntax: "implicit" }),
    store("09:00", "phantom scan of the daily quality check", instances(day.phantom)),
    store("09:10", "ultrasound with a multi-frame loop", instances(day.us), { undefinedLength: true }),
    store("09:30", "emergency radiograph without a Patient ID", instances(day.emergency)),
    store("09:45", "chest radiograph", instances(day.katakana)),
    store("10:00", "chest radiograph", instances(day.chinese), { transferSyntax: "implicit" }),
    store("10:15", "MR of the spine", instances(day.polish)),
    store("10:20", "the last three images of the MR of the head", mr.slice(-3)),
    store("11:00", "radiograph of a hand, filed under the wrong patient", instances(day.misfiled)),
    store("11:40", "structured report on the CT", instances(day.report)),
    {
      at: "12:10",
      what: "the hand moves to the right patient",
      kind: "bulkUpdate",
      studyInstanceUids: [studyUid(seed, day.misfiled)],
      changeDataset: withoutIssuer(patientModule(day.greekCr.patient)),
    },
    {
      at: "13:00",
      what: "one blurred MR image is deleted",
      kind: "delete",
      path: `${path}/instances/${imageUid(seed, day.mr, 1, 4)}`,
    },
    {
      at: "13:10",
      what: "the phantom study is deleted",
      kind: "delete",
      path: `/studies/${studyUid(seed, day.phantom)}`,
    },
    ...bySeries("14:30", "follow-up CT", day.followUp),
  ];
}

/** The day as requests to a DICOM service, in order. Every seed is a day of its own: other UIDs, IDs, accession numbers. */
export function hospitalDay(options: { seed?: string } = {}): HospitalDayStep[] {
  return events(options.seed ?? "studycast").map((event) => {
    if (event.kind !== "store") return event;
    const { instances, write, ...rest } = event;
    return { ...rest, files: instances.map((dataset) => writePart10(dataset, write)) };
  });
}

/** The move stays with one issuer, and not every service lets `$bulkUpdate` change Issuer of Patient ID. */
function withoutIssuer(module: Dataset): Dataset {
  const { "00100021": _, ...rest } = module;
  return rest;
}

function apply(held: readonly Dataset[], event: Event): readonly Dataset[] {
  if (event.kind === "store") return [...held, ...event.instances];
  if (event.kind === "delete") {
    const uids = event.path.split("/").filter((_, i) => i > 0 && i % 2 === 0);
    const tags = ["0020000D", "0020000E", "00080018"];
    return held.filter((dataset) => !uids.every((uid, i) => text(dataset, tags[i] ?? "") === uid));
  }
  return held.map((dataset) =>
    event.studyInstanceUids.includes(text(dataset, "0020000D") ?? "")
      ? { ...dataset, ...event.changeDataset }
      : dataset,
  );
}

function describe(studyInstanceUid: string, members: readonly Dataset[]): EveningStudy {
  const [first = {}] = members;
  const bySeries = Map.groupBy(members, (dataset) => text(dataset, "0020000E") ?? "");
  const name = first["00100010"]?.Value?.[0];
  const alphabetic =
    typeof name === "object" && name !== null ? (name as { Alphabetic?: string }).Alphabetic : undefined;
  return {
    studyInstanceUid,
    patientId: text(first, "00100020"),
    issuer: text(first, "00100021"),
    patientName: alphabetic,
    accession: text(first, "00080050"),
    modalities: [...new Set(members.map((dataset) => text(dataset, "00080060") ?? ""))].sort(),
    series: [...bySeries].map(([seriesInstanceUid, own]) => ({
      seriesInstanceUid,
      modality: text(own[0] ?? {}, "00080060") ?? "",
      instances: own.length,
    })),
    instances: members.length,
  };
}

/** What the service should hold after all steps of `hospitalDay` with the same seed; studies in order of their first image. */
export function hospitalDayEvening(options: { seed?: string } = {}): EveningStudy[] {
  const held = events(options.seed ?? "studycast").reduce(apply, []);
  return [...Map.groupBy(held, (dataset) => text(dataset, "0020000D") ?? "")].map(([uid, own]) => describe(uid, own));
}
