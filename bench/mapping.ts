/** What mapping costs, held against what no reader of DICOM JSON can save: parsing it. */
import { buildStudy, createAttributePool, type InstanceAttributes, instanceAttributes } from "../src/mapping/index.ts";
import { type Answer, median, type Question, type Run } from "./question.ts";
import { MAPPING, type SyntheticStudy, syntheticStudies } from "./synthetic-study.ts";

export const mapping: Question = {
  name: "mapping",
  title: "Mapping against JSON.parse of the same metadata",
  async ask({ quick, tell }: Run): Promise<Answer> {
    const studies = syntheticStudies(quick ? 2 : 10, quick ? 200 : 500);
    const rounds = quick ? 5 : 30;
    const bytes = studies.flatMap(({ texts }) => texts).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const instances = studies.reduce((sum, { texts }) => sum + texts.length, 0);
    const ratios: number[] = [];
    const parse: number[] = [];
    const map: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const spent = { parseMs: 0, mapMs: 0 };
      for (const study of studies) time(study, spent);
      // The first rounds run before the code is compiled; a worker runs for months.
      if (round < Math.min(3, rounds - 1)) continue;
      parse.push(spent.parseMs);
      map.push(spent.mapMs);
      ratios.push(spent.mapMs / spent.parseMs);
    }
    tell(`${parse.length} rounds of ${instances} instances`);

    const big = syntheticStudies(1, quick ? 500 : 5000)[0];
    if (big === undefined) throw new RangeError("no study");
    const attributes = attributesOf(big);
    const builds = Array.from({ length: quick ? 3 : 15 }, () => {
      const startedMs = performance.now();
      buildStudy(big.study, attributes, { ...MAPPING, instanceListLimit: 1_000_000 });
      return performance.now() - startedMs;
    });
    const listed = buildStudy(big.study, attributes, { ...MAPPING, instanceListLimit: 1_000_000 }).imagingStudy;
    const writes = Array.from({ length: quick ? 3 : 15 }, () => {
      const startedMs = performance.now();
      JSON.stringify(listed);
      return performance.now() - startedMs;
    });
    return {
      figures: [
        { what: "mapping / JSON.parse", value: median(ratios), unit: "×", target: { atMost: 0.5 } },
        { what: "JSON.parse per instance", value: (median(parse) * 1000) / instances, unit: "µs" },
        { what: "mapping per instance", value: (median(map) * 1000) / instances, unit: "µs" },
        {
          what: `build of a study of ${attributes.length} instances, all listed`,
          value: median(builds),
          unit: "ms",
          target: { atMost: 50 },
        },
        {
          what: "that build / JSON.stringify of its result",
          value: median(builds) / median(writes),
          unit: "×",
          target: { atMost: 3 },
        },
      ],
      notes: [
        `${studies.length} CT studies of ${instances / studies.length} images, ${Math.round(bytes / instances)} bytes of metadata each; medians of ${parse.length} rounds. Mapping is everything from the parsed dataset to the resources.`,
      ],
    };
  },
};

/** Parses and maps instance by instance, as the worker does, so that both see memory in the same state. */
function time({ study, texts }: SyntheticStudy, spent: { parseMs: number; mapMs: number }): void {
  const pool = createAttributePool();
  const kept: InstanceAttributes[] = [];
  for (const text of texts) {
    const startedMs = performance.now();
    const dataset: unknown = JSON.parse(text);
    const parsedMs = performance.now();
    const attributes = instanceAttributes(dataset, MAPPING, pool);
    spent.mapMs += performance.now() - parsedMs;
    spent.parseMs += parsedMs - startedMs;
    if (attributes.kind === "rejected") throw new Error(`a synthetic instance was rejected: ${attributes.code}`);
    kept.push(attributes);
  }
  const startedMs = performance.now();
  buildStudy(study, kept, MAPPING);
  spent.mapMs += performance.now() - startedMs;
}

function attributesOf({ texts }: SyntheticStudy): InstanceAttributes[] {
  const pool = createAttributePool();
  return texts.map((text) => {
    const attributes = instanceAttributes(JSON.parse(text), MAPPING, pool);
    if (attributes.kind === "rejected") throw new Error(`a synthetic instance was rejected: ${attributes.code}`);
    return attributes;
  });
}
