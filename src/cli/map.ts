/** `studycast map`: what DICOM becomes in FHIR, offline. */
import { readFileSync } from "node:fs";
import { mappingOptions, type OptionName, optionList } from "../config.ts";
import { type ErrorCode, StudycastError } from "../errors.ts";
import { type MappedDatasets, mapDatasets } from "../mapping/index.ts";
import { type Command, UsageError } from "./command.ts";

const mappingOptionNames = optionList()
  .filter(([name, { group }]) => group === "resources" || name === "SOURCE_ID" || name === "DICOM_PUBLIC_URL")
  .map(([name]): OptionName => name);

/** Stands for the address of a DICOM service that is not known (RFC 2606: .invalid never resolves). */
const NO_ADDRESS = "http://dicom.invalid";

export const mapCommand: Command = {
  name: "map",
  summary: "Prints the FHIR resources that DICOM metadata becomes; offline, without Redis.",
  details: [
    "Reads DICOM JSON (PS3.18 annex F): what WADO-RS answers for `/studies/<uid>/metadata`, an array of instances or one instance, from any number of files, or from standard input with `-`. Prints a `collection` Bundle. The only command that prints patient data: that is its purpose.",
    "Values and instances that are left out are told on standard error, by tag. Exit code 1 when a whole instance or study could not be represented.",
  ],
  args: [{ name: "<files...>", about: "files of DICOM JSON, or - for standard input" }],
  options: mappingOptionNames,
  examples: [
    { command: "studycast map --patient-id-system urn:oid:1.2.3 metadata.json", about: "one study" },
    {
      command:
        "curl -s -H 'accept: application/dicom+json' $DICOM_URL/v2/studies/$UID/metadata | studycast map --patient-id-system urn:oid:1.2.3 -",
      about: "straight from the service",
    },
  ],
  json: [
    {
      member: "(always)",
      about:
        "a FHIR Bundle (R4; R5 with `--fhir-version R5`) of type `collection`: Patients, Endpoints, ImagingStudies, by id",
    },
  ],
  async run({ partConfig, args, io }) {
    const config = partConfig("offline");
    const datasets: unknown[] = [];
    for (const file of args) datasets.push(...parseDatasets(file, await readText(file, io.readStdin)));
    const mapped = mapDatasets(datasets, mappingOptions(config), config.DICOM_PUBLIC_URL ?? NO_ADDRESS);
    io.out(`${JSON.stringify(mapped.bundle, null, 2)}\n`);
    for (const line of noteLines(mapped)) io.err(`${line}\n`);
    const lost = lostCodes(mapped);
    if (lost[0] !== undefined) throw new StudycastError(lost[0], { lost: lost.length });
  },
};

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

function lostCodes({ studies, rejected }: MappedDatasets): ErrorCode[] {
  const waiting = studies
    .filter(({ subject }) => subject.kind === "issuer-unknown")
    .map((): ErrorCode => "ISSUER_UNKNOWN");
  return [...rejected.map(({ code }) => code), ...waiting];
}
