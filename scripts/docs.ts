/** `npm run docs`: prints the generated pages into docs/. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { docsPages } from "./docs-pages.ts";

for (const [path, text] of Object.entries(docsPages())) writeFileSync(resolve(import.meta.dirname, "..", path), text);
