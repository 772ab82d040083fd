// Stores the files of a folder, whatever they are: the service decides what is DICOM.
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { type Stored, storeFiles } from "./stow.ts";

export type FolderOptions = {
  /** After each file: counts so far, and how many files the folder has. */
  onProgress?: (progress: Stored & { total: number }) => void;
  signal?: AbortSignal;
};

/** All files below `dir`, in order of their relative paths with `/`, so that "first one wins" is the same everywhere. */
async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  const key = (path: string): string => path.split(sep).join("/");
  return paths.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * Sends every file of a folder to the service by STOW-RS, one request per file, in sorted path order. A file that is not
 * DICOM, cannot be read or is refused counts as refused and never stops the rest; a service that stays away does (throws).
 */
export async function storeFolder(dicomUrl: string, dir: string, options: FolderOptions = {}): Promise<Stored> {
  const paths = await filesBelow(dir);
  const sum: Stored = { stored: 0, refused: 0 };
  for (const path of paths) {
    options.signal?.throwIfAborted();
    const bytes = await readFile(join(dir, path)).catch(() => undefined);
    const one = bytes === undefined ? { stored: 0, refused: 1 } : await storeFiles(dicomUrl, [bytes], options.signal);
    sum.stored += one.stored;
    sum.refused += one.refused;
    options.onProgress?.({ ...sum, total: paths.length });
  }
  return sum;
}
