/** Real DICOM files beside the repository, when they are there. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../../../shared");
export const realFiles = resolve(root, "dicom");
export const truthFile = resolve(root, "examples/dicom-studies.json");
export const haveRealFiles = existsSync(realFiles) && existsSync(truthFile);
if (!haveRealFiles) process.stderr.write("skipped: no real DICOM files in ../shared/dicom\n");

/** Paths below `realFiles`, sorted. */
export function realFileNames(): string[] {
  const names = readdirSync(realFiles, { recursive: true }) as string[];
  return names.filter((name) => statSync(resolve(realFiles, name)).isFile()).sort();
}

export function realFile(name: string): Uint8Array {
  return readFileSync(resolve(realFiles, name));
}
