#!/usr/bin/env node
// The built program when there is one (an installed package, the container), else the sources of a checkout.
require("./need-node.cjs");
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const built = join(__dirname, "../dist/cli/main.js");
const source = join(__dirname, "../src/cli/main.ts");
void import(pathToFileURL(existsSync(source) ? source : built).href);
