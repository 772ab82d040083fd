import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { docsPages } from "../scripts/docs-pages.ts";
import { COMMANDS } from "../src/cli/program.ts";
import { OPTIONS } from "../src/config.ts";
import { ERRORS } from "../src/errors.ts";
import { METRIC_PREFIX, METRICS } from "../src/metrics.ts";

const root = resolve(import.meta.dirname, "..");
const read = (path: string) => readFileSync(resolve(root, path), "utf8");

/** Pages written by hand. */
const written = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
  .concat(readdirSync(resolve(root, "docs")).map((name) => `docs/${name}`))
  .filter((path) => path.endsWith(".md") && existsSync(resolve(root, path)) && !(path in docsPages()));

/** Inline code of a page. */
const codeIn = (path: string) =>
  [
    ...read(path)
      .replaceAll(/```[\s\S]*?```/g, "")
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, code = ""]) => code);

/** Upper-case words of other programs that pages may name. */
const FOREIGN =
  /^(SIGTERM|SIGINT|SIGKILL|NODE_ENV|FHIR_E2E_URL|(?:FHIR|DICOM)_CONTRACT_\w+|NODE_EXTRA_CA_CERTS|STUDYCAST_PASSWORD|CAST_\w+)$/;

describe("docs", () => {
  test.each(Object.keys(docsPages()))("%s is what the code prints (npm run docs)", (path) => {
    expect(existsSync(resolve(root, path)) ? read(path) : "").toBe(docsPages()[path]);
  });

  test("pages written by hand name only options and codes that exist", () => {
    const known = new Set([
      ...Object.keys(OPTIONS),
      ...Object.keys(OPTIONS).map((name) => `${name}_FILE`),
      ...Object.keys(ERRORS),
    ]);
    const unknown = written.flatMap((path) =>
      codeIn(path)
        .flatMap((code) => code.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [])
        .filter((word) => !known.has(word) && !FOREIGN.test(word))
        .map((word) => `${path}: ${word}`),
    );
    expect(unknown).toEqual([]);
  });

  test("pages written by hand name only metrics that exist", () => {
    const known = new Set(Object.keys(METRICS).map((name) => METRIC_PREFIX + name));
    const unknown = written.flatMap((path) =>
      (read(path).match(/\bstudycast_[a-z_]+\b/g) ?? [])
        .filter(
          (name) => !known.has(name.replace(/_(bucket|sum|count)$/, "")) && !/^studycast_(process|nodejs)_/.test(name),
        )
        .map((name) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test("pages written by hand show only commands and flags that exist", () => {
    const unknown = written.flatMap((path) =>
      [...read(path).matchAll(/\bstudycast ([a-z]+)((?: --?[a-z][a-z-]*(?:[= ](?!--)[^\s`]+)?)*)/g)].flatMap(
        ([shown, name, flags = ""]) => {
          const command = COMMANDS.find((one) => one.name === name);
          if (command === undefined)
            return /`|\$/.test(read(path)) && codeIn(path).includes(shown) ? [`${path}: ${shown}`] : [];
          const known = [...(command.flags ?? []).map(({ flag }) => flag.split(" ")[0]), "--help", "--config"];
          const options = command.options.map((option) => `--${option.toLowerCase().replaceAll("_", "-")}`);
          const wrong = (flags.match(/--[a-z][a-z-]*/g) ?? []).filter((flag) => ![...known, ...options].includes(flag));
          return wrong.map((flag) => `${path}: studycast ${name} ${flag}`);
        },
      ),
    );
    expect(unknown).toEqual([]);
  });

  test("hints of errors name only options and commands that exist", () => {
    const texts = Object.entries(ERRORS).map(([code, { message, hint }]) => [code, `${message} ${hint}`] as const);
    const wrong = texts.flatMap(([code, text]) => {
      const options = (text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? []).filter(
        (word) => !(word in OPTIONS) && !(word in ERRORS) && word !== "NODE_EXTRA_CA_CERTS",
      );
      const commands = [...text.matchAll(/`studycast ([a-z]+)/g)].filter(
        ([, name]) => !COMMANDS.some((one) => one.name === name),
      );
      return [...options, ...commands.map(([shown]) => shown)].map((word) => `${code}: ${word}`);
    });
    expect(wrong).toEqual([]);
  });
});
