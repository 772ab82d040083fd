/** `studycast map`: what DICOM becomes in FHIR, offline. */
import { readFileSync } from "node:fs";
import { mappingOptions, type OptionName, optionList } from "../config.ts";
import { type ErrorCode, StudycastError } from "../errors.ts";
import {
  createExplainer,
  type MappedDatasets,
  type MappingOptions,
  mapDatasets,
  reduceDatasets,
  type StudyResources,
} from "../mapping/index.ts";
import { applySiteRules, type SiteModule } from "../site-rules.ts";
import { type Command, type Io, UsageError } from "./command.ts";
import { EXPLANATION_JSON, printExplanations } from "./explain-text.ts";
import { loadSiteRules } from "./load-site-rules.ts";

/** Options of commands that map without writing. */
export const mappingOptionNames = optionList()
  .filter(([name, { group }]) => group === "resources" || name === "SOURCE_ID" || name === "DICOM_PUBLIC_URL")
  .map(([name]): OptionName => name);

/** Stands for the address of a DICOM service that is not known (RFC 2606: .invalid never resolves). */
const NO_ADDRESS = "http://dicom.invalid";

export const mapCommand: Command = {
  name: "map",
  summary: "Prints the FHIR resources that DICOM metadata becomes; offline, without Redis.",
  details: [
    "Reads DICOM JSON (PS3.18 annex F): what WADO-RS answers for `/studies/<uid>/metadata`, an array of instances or one instance, from any number of files, or from standard input with `-`. Prints a `collection` Bundle. It prints patient data, which is its purpose (`studycast explain` is the other command that does); nothing of it is kept or logged.",
    "With --explain it tells of each element of each study: the value, the attributes it is from and how many instances have them, the rule, the values that were outvoted, and what was left out. A table on a terminal; JSON when standard output is none, or with --json.",
    "Values and instances that are left out are told on standard error, by tag. Exit code 1 when a whole instance or study could not be represented.",
  ],
  args: [{ name: "<files...>", about: "files of DICOM JSON, or - for standard input" }],
  flags: [
    { flag: "--explain", about: "tell why, element by element, instead of the resources" },
    { flag: "--json", about: "print the explanation as JSON on a terminal too" },
  ],
  options: mappingOptionNames,
  examples: [
    { command: "studycast map --explain metadata.json", about: "where each element of the study is from" },
    { command: "studycast map --patient-id-system urn:oid:1.2.3 metadata.json", about: "one study" },
    {
      command:
        "curl -s -H 'accept: application/dicom+json' $DICOM_URL/v2/studies/$UID/metadata | studycast map --patient-id-system urn:oid:1.2.3 -",
      about: "straight from the service",
    },
  ],
  json: [
    {
      member: "(without --explain)",
      about:
        "a FHIR Bundle (R4; R5 with `--fhir-version R5`) of type `collection`: Patients, Endpoints, ImagingStudies, by id",
    },
    ...EXPLANATION_JSON,
  ],
  async run({ partConfig, args, flags, io }) {
    const config = partConfig("offline");
    const datasets: unknown[] = [];
    for (const file of args) datasets.push(...parseDatasets(file, await readText(file, io.readStdin)));
    const options = mappingOptions(config);
    const adjust = adjustment(await loadSiteRules(config.MAPPING_MODULE), options);
    if (flags["explain"] === true) return explainFiles(datasets, options, adjust, flags["json"] === true, io);
    const mapped = mapDatasets(datasets, options, config.DICOM_PUBLIC_URL ?? NO_ADDRESS, undefined, adjust);
    io.out(`${JSON.stringify(mapped.bundle, null, 2)}\n`);
    for (const line of noteLines(mapped)) io.err(`${line}\n`);
    const lost = lostCodes(mapped);
    if (lost[0] !== undefined) throw new StudycastError(lost[0], { lost: lost.length });
  },
};

/** What the site's rules do to a study's resources. */
export function adjustment(
  siteRules: SiteModule | undefined,
  options: MappingOptions,
): (resources: StudyResources) => StudyResources {
  return (built) => (siteRules === undefined ? built : applySiteRules(built, siteRules, options));
}

/** As the resources: what could not be represented makes the exit code 1, after all has been printed. */
function explainFiles(
  datasets: readonly unknown[],
  options: MappingOptions,
  adjust: ReturnType<typeof adjustment>,
  asJson: boolean,
  io: Io,
): void {
  const { groups, rejected } = reduceDatasets(datasets, options);
  const studies = groups.map(({ study, instances, datasets }) => {
    const explainer = createExplainer(study, options, adjust);
    instances.forEach((attributes, index) => {
      explainer.add(datasets[index], attributes);
    });
    return explainer.explain();
  });
  printExplanations({ studies, rejected }, asJson, io);
  const lost = lostCodes({ studies: studies.map(({ resources }) => resources), rejected });
  if (lost[0] !== undefined) throw new StudycastError(lost[0], { lost: lost.length });
}

async function readText(file: string, readStdin: () => Promise<string>): Promise<string> {
  try {
    return file === "-" ? await readStdin() : readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`the file ${file} cannot be read.`, "studycast map --help");
  }
}

/** One file's instances. The parser's message is not passed on: it quotes the text. */
function parseDatasets(file: string, text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [parsed];
  } catch {
    throw new UsageError(
      `${file === "-" ? "standard input" : file} is not JSON.`,
      "studycast map --help; a .dcm file must be turned into DICOM JSON first",
    );
  }
}

/** What was left out or is in doubt: tags, UIDs and kinds of trouble, no values. */
function noteLines({ studies, rejected }: MappedDatasets): string[] {
  const issues = studies.flatMap(({ study, issues }) =>
    issues.map(
      ({ keyword, tag, code, count }) => `note: ${keyword} ${tag} ${code}, ${count} time(s) in study ${study}`,
    ),
  );
  const instances = rejected.map(({ code, tag, sop }) => `rejected: ${code} ${tag}, instance ${sop ?? "without UID"}`);
  const waiting = studies
    .filter(({ subject }) => subject.kind === "issuer-unknown")
    .map(
      ({ study }) =>
        `waiting: ISSUER_UNKNOWN, study ${study} would not be written; set PATIENT_ID_SYSTEM or ISSUER_SYSTEMS`,
    );
  return [...issues, ...instances, ...waiting];
}

function lostCodes({ studies, rejected }: Pick<MappedDatasets, "studies" | "rejected">): ErrorCode[] {
  const waiting = studies
    .filter(({ subject }) => subject.kind === "issuer-unknown")
    .map((): ErrorCode => "ISSUER_UNKNOWN");
  return [...rejected.map(({ code }) => code), ...waiting];
}
