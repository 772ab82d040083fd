import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { DicomWriter, StoreOutcome } from "./backend.ts";

export type LoadResult = { readonly file: string; readonly outcome: StoreOutcome };

/** Stores every file of a folder by the rules of API v2, in order of its path (code points, `/` between folders). */
export async function loadFolder(folder: string, writer: DicomWriter, partition: string): Promise<LoadResult[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found
    .filter((item) => item.isFile())
    .map((item) => relative(folder, join(item.parentPath, item.name)).split(sep).join("/"));
  const results: LoadResult[] = [];
  for (const file of files.sort()) {
    const bytes = await readFile(join(folder, file));
    results.push({ file, outcome: writer.store({ bytes, partition, api: 2 }) });
  }
  return results;
}
