/** Stores DICOM files and shows how they arrive in FHIR: progress, one ImagingStudy, the counts. */
import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { FhirEmulator } from "../../emulators/fhir/index.ts";
import { hospitalDay, playHospitalDay, storeFolder } from "../../emulators/samples/index.ts";
import type { DemoArguments } from "./arguments.ts";
import type { Look, Present } from "./look.ts";
import type { Screen } from "./screen.ts";
import { shortenedStudy } from "./shortened-study.ts";
import { progressLine, type Summary, summaryLines } from "./text.ts";

export type Places = {
  look: Look;
  fhir: FhirEmulator;
  dicomUrl: string;
  /** When the demo started, ms since the epoch. */
  startedMs: number;
};

const LOOK_MS = 200;
/** Time between two events of the hospital day: enough for each to reach FHIR by itself. */
const STEP_MS = 300;
/** That many looks in a row at nothing but studies that wait for a person: it will not change by itself. */
const STILL_WAITING = 10;
const INTERRUPTED = 75;

type Stored = { stored: number; refused: number };
type Signals = { stop: AbortSignal; result(text: string): void };

/** Resolves with the exit code: when everything is synced and `once` is given, or when `stop` aborts. */
export async function showStudies(
  options: DemoArguments,
  screen: Screen,
  { look, fhir, dicomUrl, startedMs }: Places,
  { stop, result }: Signals,
): Promise<number> {
  const stored: Stored = { stored: 0, refused: 0 };
  const storing = store(options.dicom, dicomUrl, screen, stored, stop);
  const present = await untilSynced(look, storing, screen, stop);
  const { pending, failed, rejected } = present;
  const seconds = Math.round((Date.now() - startedMs) / 100) / 10;
  const summary: Summary = {
    dicom: { ...stored, studies: await look.studies() },
    fhir: present.fhir,
    ...{ pending, failed, rejected, seconds },
  };
  const study = shortenedStudy(fhir.resources("ImagingStudy"));
  if (study !== undefined) screen.line(`\nOne ImagingStudy, shortened:\n${study}\n`);
  for (const line of summaryLines(summary)) screen.line(line);
  if (options.json) result(`${JSON.stringify(summary)}\n`);
  await dump(options.dump, fhir);
  if (options.once) return stop.aborted ? INTERRUPTED : pending + failed > 0 ? 1 : 0;
  if (!stop.aborted)
    screen.line("\nIt goes on: whatever is stored in the DICOM service now arrives too. Ctrl-C ends it.");
  while (!stop.aborted) {
    screen.progress(progressLine(await look.now()));
    await pause(stop);
  }
  await dump(options.dump, fhir);
  return 0;
}

/** Stores the files of the folder, or plays the hospital day; `sum` tells how far it is. */
async function store(
  folder: string | undefined,
  dicomUrl: string,
  screen: Screen,
  sum: Stored,
  signal: AbortSignal,
): Promise<void> {
  const count = ({ stored, refused }: Stored) => void Object.assign(sum, { stored, refused });
  if (folder !== undefined) {
    screen.line(`Storing the files of ${folder} …`);
    await storeFolder(dicomUrl, folder, { onProgress: count, signal });
    return;
  }
  screen.line("A hospital day:");
  await playHospitalDay(dicomUrl, hospitalDay(), {
    pauseMs: STEP_MS,
    signal,
    onProgress({ at, what, ...rest }) {
      count(rest);
      screen.line(`  ${at}  ${what}`);
    },
  });
}

/** Looks until all is stored and synced, or only studies are left that wait for a person, or `stop` aborts. */
async function untilSynced(look: Look, storing: Promise<void>, screen: Screen, stop: AbortSignal): Promise<Present> {
  const outcome: { ended: boolean; error?: unknown } = { ended: false };
  void storing.then(
    () => Object.assign(outcome, { ended: true }),
    (error: unknown) => Object.assign(outcome, { ended: true, error }),
  );
  for (let waiting = 0; ; ) {
    const wasStored = outcome.ended; // before the look, so that it sees all of it
    const present = await look.now();
    screen.progress(progressLine(present));
    if (stop.aborted) return present;
    if (outcome.error !== undefined) throw outcome.error;
    waiting = present.state === "waiting" ? waiting + 1 : 0;
    if (wasStored && (present.state === "synced" || waiting >= STILL_WAITING)) return present;
    await pause(stop);
  }
}

async function pause(stop: AbortSignal): Promise<void> {
  await delay(LOOK_MS, undefined, { signal: stop }).catch(() => {});
}

async function dump(path: string | undefined, fhir: FhirEmulator): Promise<void> {
  if (path === undefined) return;
  await writeFile(
    path,
    fhir.resources().map((resource) => `${JSON.stringify(resource)}\n`),
  );
}
