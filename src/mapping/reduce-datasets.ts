import { DEFAULT_PARTITION, type StudyId, studyId } from "../study.ts";
import { isRecord, text } from "./dataset.ts";
import {
  type AttributePool,
  createAttributePool,
  type InstanceAttributes,
  instanceAttributes,
  type RejectedInstance,
} from "./instance-attributes.ts";
import { forPartition } from "./issuer.ts";
import type { MappingOptions } from "./options.ts";
import { tagOf } from "./tags.ts";
import { compareText } from "./text.ts";

/** The instances of one study: as they were given, and what is kept of each. */
export type StudyGroup = { study: StudyId; instances: InstanceAttributes[]; datasets: unknown[] };

/** DICOM JSON datasets of any studies, in any order, by study. */
export function reduceDatasets(
  datasets: Iterable<unknown>,
  options: MappingOptions,
  partition = DEFAULT_PARTITION,
): { groups: StudyGroup[]; rejected: RejectedInstance[] } {
  const groups = new Map<StudyId, StudyGroup & { pool: AttributePool }>();
  const rejected: RejectedInstance[] = [];
  const reading = forPartition(options, partition);
  for (const dataset of datasets) {
    const studyUid = isRecord(dataset) ? text(dataset, "StudyInstanceUID", () => {}) : undefined;
    const study = studyUid === undefined ? undefined : studyId(partition, studyUid);
    const known = study && groups.get(study);
    const pool = known?.pool ?? createAttributePool();
    const attributes = instanceAttributes(dataset, reading, pool);
    if (attributes.kind === "rejected") rejected.push(attributes);
    else if (study === undefined)
      rejected.push({
        kind: "rejected",
        sop: attributes.sop,
        code: "INSTANCE_INVALID",
        tag: tagOf("StudyInstanceUID"),
      });
    else {
      const group = known ?? { study, pool, instances: [], datasets: [] };
      group.instances.push(attributes);
      group.datasets.push(dataset);
      groups.set(study, group);
    }
  }
  return { groups: [...groups.values()].sort((a, b) => compareText(a.study, b.study)), rejected };
}
