/** Modules of a site, for the tests. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";

/** Writes modules into a folder that is gone after the file's tests. */
export function moduleFolder(): (text: string) => Promise<string> {
  let folder = "";
  let count = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "site-rules-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  return async (text) => {
    const path = join(folder, `rules-${count++}.mjs`);
    await writeFile(path, text);
    return path;
  };
}
