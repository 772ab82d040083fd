import type { DicomBackend, GroupView, InstanceView, Scope } from "./backend.ts";
import type { Context, Handler } from "./context.ts";
import { type Dataset, datasetText, parseDataset } from "./dicom-json.ts";
import { dicomJson, reply } from "./http-reply.ts";
import { requireJsonAccept } from "./http-request.ts";
import { fieldFilter, resultLevels } from "./query-fields.ts";
import { matches } from "./query-match.ts";
import { type Level, parseSearch, type QueryFilter } from "./query-parse.ts";
import { scopeOf } from "./route-metadata.ts";
import { tag } from "./tags.ts";

/** QIDO-RS at one level (contract §4.2): newest first, 204 without hits. */
export function search(level: Level): Handler {
  return (context) => {
    const { api, backend, params, query, request, response } = context;
    requireJsonAccept(request.headers.accept);
    const wanted = parseSearch(query, level, params);
    const keep = fieldFilter(api, level, resultLevels(level, params), wanted.include);
    const results: string[] = [];
    let skip = wanted.offset;
    for (const candidate of candidates(backend, level, narrow(scopeOf(context), wanted.filters))) {
      // Without filters the skipped ones need not be looked at: paging through everything stays cheap.
      if (wanted.filters.length === 0 && skip > 0) {
        skip--;
        continue;
      }
      const dataset = parseDataset(candidate.newest.json());
      const modalities = () => studyOf(backend, candidate.newest)?.modalities() ?? [];
      if (!wanted.filters.every((filter) => matches(dataset, filter, wanted.fuzzy, modalities))) continue;
      if (skip-- > 0) continue;
      results.push(datasetText(result(context, candidate, dataset, keep)));
      if (results.length === wanted.limit) break;
    }
    if (results.length === 0) return reply(response, 204);
    reply(response, 200, `[${results.join(",")}]`, dicomJson);
  };
}

type Candidate = Pick<GroupView, "newest"> & { readonly group?: GroupView };

function* candidates(backend: DicomBackend, level: Level, scope: Scope): Iterable<Candidate> {
  if (level === "instance") for (const newest of backend.instances(scope)) yield { newest };
  else
    for (const group of level === "study" ? backend.studies(scope) : backend.series(scope))
      yield { newest: group.newest, group };
}

/** UID filters address directly; the rest is a scan. */
function narrow(scope: Scope, filters: readonly QueryFilter[]): Scope {
  const uid = (item: string) => filters.find((filter) => filter.tag === item && !/[,\\]/.test(filter.value))?.value;
  const study = scope.study ?? uid(tag.study);
  const series = scope.series ?? uid(tag.series);
  const instance = uid(tag.sopInstance);
  return {
    partition: scope.partition,
    ...(study !== undefined && { study }),
    ...(series !== undefined && { series }),
    ...(instance !== undefined && { instance }),
  };
}

function studyOf(backend: DicomBackend, { partition, study }: InstanceView): GroupView | undefined {
  for (const group of backend.studies({ partition, study })) return group;
  return undefined;
}

function result(
  { backend }: Context,
  { newest, group }: Candidate,
  dataset: Dataset,
  keep: (item: string) => boolean,
): Dataset {
  const kept = Object.fromEntries(Object.entries(dataset).filter(([item]) => keep(item)));
  const study = () => studyOf(backend, newest);
  if (keep(tag.modalitiesInStudy)) {
    const modalities = study()?.modalities() ?? [];
    kept[tag.modalitiesInStudy] = modalities.length > 0 ? { vr: "CS", Value: modalities } : { vr: "CS" };
  }
  if (keep(tag.studyInstances)) kept[tag.studyInstances] = { vr: "IS", Value: [study()?.instanceCount ?? 0] };
  if (keep(tag.seriesInstances) && group?.series !== undefined)
    kept[tag.seriesInstances] = { vr: "IS", Value: [group.instanceCount] };
  return kept;
}
