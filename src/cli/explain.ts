/** `studycast explain`: why FHIR says what it says of a study, from the live DICOM service. */
import { mappingOptions, type OptionName, optionList, type PartialConfig } from "../config.ts";
import { probePartitions } from "../dicomweb/index.ts";
import { StudycastError } from "../errors.ts";
import { createLog } from "../log.ts";
import {
  createAttributePool,
  createExplainer,
  forPartition,
  INCLUDES,
  instanceAttributes,
  type StudyExplanation,
} from "../mapping/index.ts";
import { createReleases } from "../releases.ts";
import { dicomClient, openDicomSite } from "../services.ts";
import type { SiteModule } from "../site-rules.ts";
import { parseStudyId, type StudyId } from "../study.ts";
import type { Rejected } from "../sync.ts";
import { type Command, UsageError } from "./command.ts";
import { EXPLANATION_JSON, printExplanations } from "./explain-text.ts";
import { loadSiteRules } from "./load-site-rules.ts";
import { adjustment, mappingOptionNames } from "./map.ts";
import { studyIds } from "./study-arguments.ts";

const dicomOptionNames = optionList()
  .map(([name]): OptionName => name)
  .filter((name) => name.startsWith("DICOM_") && !mappingOptionNames.includes(name));

export const explainCommand: Command = {
  name: "explain",
  summary: "Tells of a study in the DICOM service where each element of its FHIR resources is from; without Redis.",
  details: [
    "Reads the study as a sync does and tells of each element: the value, the attributes it is from and how many instances have them, the rule, the values that were outvoted, and what was left out. Writes nothing. A table on a terminal; JSON when standard output is none, or with --json.",
    "Give it the mapping options of the worker, or what it explains is not what the worker does. The FHIR server is not asked: without FHIR_VERSION it explains R4.",
    "It prints patient data, which is its purpose; nothing of it is kept or logged.",
  ],
  flags: [
    { flag: "--study <uid...>", about: "StudyInstanceUID, or partition/StudyInstanceUID" },
    { flag: "--json", about: "print JSON on a terminal too" },
  ],
  options: [...dicomOptionNames, ...mappingOptionNames],
  examples: [{ command: "studycast explain --study 1.2.840.113619.2.5", about: "where each element is from" }],
  json: EXPLANATION_JSON,
  async run({ partConfig, flags, io, stop }) {
    const studies = studyIds(flags["study"]);
    if (studies.length === 0) throw new UsageError("say which study.", "studycast explain --study UID");
    const config = partConfig("dicom");
    const { DICOM_URL } = config;
    if (DICOM_URL === undefined) throw new StudycastError("CONFIG_INVALID");
    const log = createLog("silent");
    const releases = createReleases(log);
    try {
      const site = openDicomSite({ config: { ...config, DICOM_URL }, now: Date.now, ending: stop }, releases);
      // What is not asked for is read too, or nobody could be told of it.
      const reading = { ...config, DICOM_URL, MAPPING_INCLUDE: Object.keys(INCLUDES) as (keyof typeof INCLUDES)[] };
      const client = dicomClient(site, reading, await probePartitions(site, stop));
      const explained: StudyExplanation[] = [];
      const rejected: Rejected[] = [];
      const siteRules = await loadSiteRules(config.MAPPING_MODULE);
      for (const study of studies)
        explained.push(await explainStudy(study, { config, siteRules, client, rejected }, stop));
      printExplanations({ studies: explained, rejected }, flags["json"] === true, io);
    } finally {
      await releases.run();
    }
  },
};

type Explaining = {
  config: PartialConfig;
  siteRules: SiteModule | undefined;
  client: ReturnType<typeof dicomClient>;
  /** Takes the instances that cannot be represented. */
  rejected: Rejected[];
};

/** @throws StudycastError as the client, or INSTANCE_INVALID when nothing of it can be represented; UsageError when the service does not have it */
async function explainStudy(
  study: StudyId,
  { config, siteRules, client, rejected }: Explaining,
  signal: AbortSignal,
): Promise<StudyExplanation> {
  const options = mappingOptions(config);
  const reading = forPartition(options, parseStudyId(study).partition);
  let started = begin();
  function begin() {
    return {
      pool: createAttributePool(),
      explainer: createExplainer(study, options, adjustment(siteRules, options)),
      kept: 0,
      rejected: [] as Rejected[],
    };
  }
  const read = await client.readStudy(
    study,
    {
      onInstance(dataset) {
        const attributes = instanceAttributes(dataset, reading, started.pool);
        if (attributes.kind === "rejected") started.rejected.push(attributes);
        else {
          started.kept++;
          started.explainer.add(dataset, attributes);
        }
      },
      restart() {
        started = begin();
      },
    },
    signal,
  );
  if (read.kind === "absent")
    throw new UsageError(
      `the DICOM service has no study ${study}.`,
      "studycast explain --study partition/UID, if it has partitions",
    );
  rejected.push(...started.rejected, ...read.unreadable);
  const [first] = rejected;
  if (started.kept === 0) throw new StudycastError(first?.code ?? "INSTANCE_INVALID", { instances: rejected.length });
  return started.explainer.explain();
}
