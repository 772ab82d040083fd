#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=30
// The sources of a checkout, so that an old build is never run by mistake; else the built program (an installed package, the container).
require("./need-node.cjs");
const { existsSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const built = join(__dirname, "../dist/cli/main.js");
const source = join(__dirname, "../src/cli/main.ts");
// Of a command that runs from the sources half the time goes into stripping and compiling them.
if (existsSync(source)) enableCompileCache(join(__dirname, "../node_modules/.cache/studycast"));
void import(pathToFileURL(existsSync(source) ? source : built).href);
