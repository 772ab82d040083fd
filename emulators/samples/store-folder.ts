// Stores the files of a folder, whatever they are: the service decides what is DICOM.
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { type Stored, send, storeFiles } from "./stow.ts";

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

async function answers(dicomUrl: string, signal: AbortSignal | undefined): Promise<boolean> {
  const response = await send(`${dicomUrl}/v2/changefeed/latest?includeMetadata=false`, {}, signal);
  await response.body?.cancel();
  return response.status < 500;
}

/** A file over which the service fails counts as refused if the service itself is well. */
async function storeOne(dicomUrl: string, path: string, signal: AbortSignal | undefined): Promise<Stored> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return { stored: 0, refused: 1 };
  try {
    return await storeFiles(dicomUrl, [bytes], signal);
  } catch (error) {
    if (signal?.aborted === true || !(await answers(dicomUrl, signal))) throw error;
    return { stored: 0, refused: 1 };
  }
}

/**
 * Sends every file of a folder to the service by STOW-RS, one request per file, in sorted path order. A file that is not
 * DICOM, cannot be read, is refused or answered with a 5xx counts as refused and never stops the rest; a service that stays
 * away does (throws).
 */
export async function storeFolder(dicomUrl: string, dir: string, options: FolderOptions = {}): Promise<Stored> {
  const paths = await filesBelow(dir);
  const sum: Stored = { stored: 0, refused: 0 };
  for (const path of paths) {
    options.signal?.throwIfAborted();
    const one = await storeOne(dicomUrl, join(dir, path), options.signal);
    sum.stored += one.stored;
    sum.refused += one.refused;
    options.onProgress?.({ ...sum, total: paths.length });
  }
  return sum;
}
