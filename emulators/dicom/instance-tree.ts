import type { GroupView, InstanceView, Scope } from "./backend.ts";
import { parseDataset } from "./dicom-json.ts";
import { firstText } from "./store-rules.ts";
import { tag } from "./tags.ts";
import type { Version } from "./version.ts";

type SeriesNode = { key: number; series: string; instances: Map<string, Version> };
type StudyNode = { key: number; study: string; series: Map<string, SeriesNode> };

/**
 * The current version of every instance, by partition, study, series and instance. Invariant: no empty series and no
 * empty study, so a study whose last instance is deleted is gone. Keys grow with creation: newest first is key descending.
 */
export type InstanceTree = {
  get(partition: string, study: string, series: string, instance: string): Version | undefined;
  put(version: Version): void;
  remove(version: InstanceView): void;
  clear(): void;
  find(scope: Scope): Version[];
  studies(scope: Scope): Iterable<GroupView>;
  series(scope: Scope): Iterable<GroupView>;
};

export function createInstanceTree(): InstanceTree {
  const partitions = new Map<string, Map<string, StudyNode>>();
  let nextKey = 1;

  function studiesOf(scope: Scope): StudyNode[] {
    const all = partitions.get(scope.partition);
    if (!all) return [];
    if (scope.study === undefined) return [...all.values()].sort((a, b) => b.key - a.key);
    const one = all.get(scope.study);
    return one ? [one] : [];
  }

  function seriesOf(scope: Scope): { study: string; node: SeriesNode }[] {
    const found = studiesOf(scope).flatMap(({ study, series }) =>
      [...series.values()].map((node) => ({ study, node })),
    );
    return found
      .filter(({ node }) => scope.series === undefined || node.series === scope.series)
      .sort((a, b) => b.node.key - a.node.key);
  }

  return {
    get: (partition, study, series, instance) =>
      partitions.get(partition)?.get(study)?.series.get(series)?.instances.get(instance),
    put(version) {
      const studies = upsert(partitions, version.partition, () => new Map<string, StudyNode>());
      const study = upsert(studies, version.study, () => ({ key: nextKey++, study: version.study, series: new Map() }));
      const series = upsert(study.series, version.series, () => ({
        key: nextKey++,
        series: version.series,
        instances: new Map(),
      }));
      series.instances.set(version.instance, version);
    },
    remove(version) {
      const studies = partitions.get(version.partition);
      const study = studies?.get(version.study);
      const series = study?.series.get(version.series);
      series?.instances.delete(version.instance);
      if (series?.instances.size === 0) study?.series.delete(version.series);
      if (study?.series.size === 0) studies?.delete(version.study);
    },
    clear: () => partitions.clear(),
    find(scope) {
      if (scope.study !== undefined && scope.series !== undefined && scope.instance !== undefined) {
        const one = this.get(scope.partition, scope.study, scope.series, scope.instance);
        return one ? [one] : [];
      }
      const versions = seriesOf(scope).flatMap(({ node }) => [...node.instances.values()]);
      const wanted =
        scope.instance === undefined ? versions : versions.filter((version) => version.instance === scope.instance);
      return wanted.sort((a, b) => b.watermark - a.watermark);
    },
    *studies(scope) {
      for (const node of studiesOf(scope)) yield studyView(node);
    },
    *series(scope) {
      for (const { study, node } of seriesOf(scope)) yield seriesView(study, node);
    },
  };
}

function studyView({ study, series }: StudyNode): GroupView {
  const groups = [...series.values()].map((node) => seriesView(study, node));
  return {
    study,
    newest: newestOf(groups.map((group) => group.newest)),
    instanceCount: groups.reduce((sum, group) => sum + group.instanceCount, 0),
    modalities: () => [...new Set(groups.flatMap((group) => group.modalities()))],
  };
}

function seriesView(study: string, { series, instances }: SeriesNode): GroupView {
  const newest = newestOf([...instances.values()]);
  return {
    study,
    series,
    newest,
    instanceCount: instances.size,
    modalities() {
      const modality = firstText(parseDataset(newest.json()), tag.modality);
      return modality === undefined ? [] : [modality];
    },
  };
}

function newestOf(versions: readonly InstanceView[]): InstanceView {
  return versions.reduce((newest, version) => (version.watermark > newest.watermark ? version : newest));
}

function upsert<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
