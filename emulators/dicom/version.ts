import type { InstanceView } from "./backend.ts";
import { type Attribute, type Dataset, datasetText, parseDataset } from "./dicom-json.ts";

/** One version of a stored instance: its metadata as text (made once) and its file. */
export type Version = InstanceView & {
  readonly sopClass: string;
  file(): { bytes: Uint8Array; transferSyntax: string };
};

export type VersionFields = {
  readonly partition: string;
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  readonly sopClass: string;
  readonly watermark: number;
  readonly text: string;
  readonly originalText?: string;
  readonly bytes: Uint8Array;
  readonly transferSyntax: string;
};

export function createVersion(fields: VersionFields): Version {
  const { text, originalText, bytes, transferSyntax, ...identity } = fields;
  return {
    ...identity,
    json: (original) => (original ? (originalText ?? text) : text),
    file: () => ({ bytes, transferSyntax }),
  };
}

/**
 * The version after a bulk update: changed attributes replaced, the first version's metadata kept as the original. The
 * file stays as it was stored (a limit of the emulator: the real service rewrites it).
 */
export function updatedVersion(old: Version, watermark: number, change: Readonly<Record<string, unknown>>): Version {
  const dataset: Dataset = { ...parseDataset(old.json()) };
  for (const [tag, attribute] of Object.entries(change)) dataset[tag.toUpperCase()] = attribute as Attribute;
  const { partition, study, series, instance, sopClass } = old;
  const original = old.json(true);
  const text = datasetText(dataset);
  return createVersion({
    partition,
    study,
    series,
    instance,
    sopClass,
    watermark,
    text,
    originalText: original,
    ...old.file(),
  });
}
