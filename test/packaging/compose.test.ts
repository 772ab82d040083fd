import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { OPTIONS, problemText, resolveConfig } from "../../src/config.ts";
import { parseDockerfile } from "./dockerfile.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(resolve(root, path), "utf8");

type Service = {
  build?: string | { context: string; target?: string };
  image?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: unknown;
  read_only?: boolean;
  tmpfs?: string[];
};
const compose: { services: Record<string, Service>; volumes: Record<string, unknown> } = parse(
  read("docker-compose.yml"),
);
const services = Object.entries(compose.services);
const stages = parseDockerfile(read("Dockerfile"));

/** The members of the Compose Specification that the file uses, written down after https://github.com/compose-spec/compose-spec/blob/main/05-services.md. */
const strings = { type: "array", items: { type: "string" } };
const duration = { type: "string", pattern: "^\\d+(ms|s|m|h)$" };
const schema = {
  type: "object",
  required: ["services"],
  additionalProperties: false,
  properties: {
    services: { type: "object", additionalProperties: { $ref: "#/$defs/service" } },
    volumes: { type: "object", additionalProperties: { type: ["object", "null"] } },
  },
  $defs: {
    service: {
      type: "object",
      additionalProperties: false,
      properties: {
        build: {
          anyOf: [
            { type: "string" },
            {
              type: "object",
              additionalProperties: false,
              properties: { context: { type: "string" }, target: { type: "string" } },
            },
          ],
        },
        image: { type: "string", pattern: "^[a-z0-9./-]+:[\\w.-]+$" },
        command: strings,
        environment: { type: "object", additionalProperties: { type: ["string", "number", "null"] } },
        ports: strings,
        volumes: strings,
        tmpfs: strings,
        cap_drop: strings,
        security_opt: strings,
        init: { type: "boolean" },
        read_only: { type: "boolean" },
        restart: { enum: ["no", "always", "on-failure", "unless-stopped"] },
        stop_grace_period: duration,
        depends_on: {
          type: "object",
          additionalProperties: {
            type: "object",
            required: ["condition"],
            additionalProperties: false,
            properties: { condition: { enum: ["service_started", "service_healthy"] } },
          },
        },
        healthcheck: {
          type: "object",
          additionalProperties: false,
          properties: { test: strings, interval: duration, timeout: duration, retries: { type: "integer" } },
        },
      },
    },
  },
};

/** A `${NAME:-value}` as compose reads it when NAME is not set. */
const substituted = (value: string) => value.replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1");

describe("docker-compose.yml", () => {
  test("uses only members of the Compose Specification, with values of their types", () => {
    const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);
    expect([validate(compose), validate.errors]).toEqual([true, null]);
  });

  test("is accepted by `docker compose config` where that is installed", () => {
    const commands = [["docker", "compose"], ["docker-compose"]];
    for (const [command = "", ...first] of commands) {
      if (spawnSync(command, [...first, "version"]).status !== 0) continue;
      const { status, stderr } = spawnSync(command, [...first, "config", "--quiet"], { cwd: root, encoding: "utf8" });
      expect([status, stderr]).toEqual([0, ""]);
      return;
    }
  });

  test("has a worker, a Redis, a FHIR server and the DICOM emulator", () => {
    expect(Object.keys(compose.services).sort()).toEqual(["dicom", "fhir", "redis", "worker"]);
  });

  test("what a service builds is a stage of the Dockerfile, and what it runs there is in the checkout", () => {
    for (const [, { build }] of services) {
      if (typeof build === "object") expect(stages.map(({ name }) => name)).toContain(build.target);
    }
    const emulators = stages.find(({ name }) => name === "emulators");
    const [script = ""] = JSON.parse(emulators?.instructions.find(({ name }) => name === "CMD")?.text ?? "[]");
    expect(existsSync(resolve(root, script))).toBe(true);
  });

  test("services that are waited for exist, and have a health check where their health is waited for", () => {
    for (const [, { depends_on = {} }] of services) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        const other = compose.services[name];
        expect(other).toBeDefined();
        if (condition === "service_healthy") expect(other?.healthcheck).toBeDefined();
      }
    }
  });

  test("named volumes are declared, and all of them are used", () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(":")[0] ?? ""));
    expect(used.filter((name) => !name.startsWith(".") && !name.startsWith("/")).sort()).toEqual(
      Object.keys(compose.volumes).sort(),
    );
  });

  test("ports are open to this machine only", () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  });

  test("each variable of the worker is an option, and `start` accepts them together", () => {
    const given = compose.services["worker"]?.environment ?? {};
    expect(Object.keys(given).filter((name) => !(name in OPTIONS))).toEqual([]);
    const env = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, substituted(value)]));
    const resolved = resolveConfig({ flags: {}, env, file: undefined, readFile: () => "" });
    expect(resolved.ok ? [] : resolved.problems.map(problemText)).toEqual([]);
  });

  test("the worker's URLs name services of the file, at the ports they listen at", () => {
    const env = compose.services["worker"]?.environment ?? {};
    const hosts = ["DICOM_URL", "FHIR_URL", "REDIS_URL"].map((name) => new URL(env[name] ?? "").host);
    expect(hosts).toEqual(["dicom:8080", "fhir:8080", "redis:6379"]);
    const published = services.flatMap(([name, { ports = [] }]) =>
      ports.map((port) => `${name}:${port.split(":")[2]}`),
    );
    expect(published).toEqual(expect.arrayContaining(["dicom:8080", "fhir:8080"]));
  });

  test("the worker cannot write but to memory, and its Redis never evicts", () => {
    expect(compose.services["worker"]).toMatchObject({ read_only: true, tmpfs: ["/tmp"] });
    expect(compose.services["redis"]).toMatchObject({
      command: expect.arrayContaining(["--appendonly", "yes", "--maxmemory-policy", "noeviction"]),
    });
  });
});
