/**
 * The resources a study refers to besides its Patient and its Endpoint: its equipment and, where the site asks for them, people, institutions, places
 * and orders. A logical reference (type, identifier, display) says all that DICOM knows of these, so they are made out of the references themselves;
 * without an identifier that has a system there is only the display, because a name alone would join different people.
 */
import type { CodeableConcept, Identifier, Reference } from "fhir/r4";
import { createdMeta } from "./identity.ts";
import type { DeviceModel, SupportingModel } from "./model.ts";
import { compareText } from "./text.ts";
import { uuidV5 } from "./uuid.ts";

/** Type → which references become resources of their own. Orders by their accession number only: one order's other numbers would make it twice. */
const SUPPORTED = {
  Device: () => false,
  Practitioner: () => true,
  Organization: () => true,
  Location: () => true,
  ServiceRequest: (identifier: Identifier) => identifier.type?.coding?.[0]?.code === "ACSN",
} as const satisfies Record<string, (identifier: Identifier) => boolean>;

export type SupportingType = keyof typeof SUPPORTED;
export const SUPPORTING_TYPES = Object.keys(SUPPORTED).filter(isSupportingType);

function isSupportingType(name: string): name is SupportingType {
  return Object.hasOwn(SUPPORTED, name);
}

export type Supported<T> = { resource: T; models: SupportingModel[] };

/**
 * The resource with literal references (`Type/id`) to what is to be found or made, and what that is, ordered by id.
 * @param devices the study's equipment; a reference means one by its first identifier
 * @param wanted types that are written; references to others stay logical
 * @param requested accession number → what was requested
 */
export function withSupporting<T extends object>(
  resource: T,
  devices: readonly DeviceModel[],
  wanted: ReadonlySet<SupportingType>,
  requested: ReadonlyMap<string, CodeableConcept>,
): Supported<T> {
  const models = new Map<string, SupportingModel>();
  const byIdentifier = new Map(devices.map((device) => [JSON.stringify(device.identifier[0]), device]));
  const literal = (reference: Reference): string | undefined => {
    const { type = "", identifier, display } = reference;
    if (identifier === undefined || !isSupportingType(type) || !wanted.has(type)) return undefined;
    const device = type === "Device" ? byIdentifier.get(JSON.stringify(identifier)) : undefined;
    const model =
      device === undefined ? modelOf(type, identifier, display, requested) : { type: "Device" as const, device };
    if (model === undefined) return undefined;
    const id = model.type === "Device" ? model.device.id : model.id;
    if (!models.has(id)) models.set(id, model);
    return `${type}/${id}`;
  };
  const made = linked(resource, literal) as T;
  // An owner comes in through its device.
  for (const [id, model] of models)
    if (model.type === "Device" && model.device.owner !== undefined)
      models.set(id, {
        type: "Device",
        device: { ...model.device, owner: linked(model.device.owner, literal) as Reference },
      });
  return { resource: made, models: [...models].sort(([a], [b]) => compareText(a, b)).map(([, model]) => model) };
}

function modelOf(
  type: SupportingType,
  identifier: Identifier,
  display: string | undefined,
  requested: ReadonlyMap<string, CodeableConcept>,
): SupportingModel | undefined {
  const { system, value } = identifier;
  if (type === "Device" || !system || !value || !SUPPORTED[type](identifier)) return undefined;
  const code = type === "ServiceRequest" ? requested.get(value) : undefined;
  return { type, id: uuidV5(type, system, value), identifier, display, code };
}

/** References with a type and an identifier get `reference` where there is one. Instances hold none and are not looked at. */
function linked(value: unknown, literal: (reference: Reference) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => linked(item, literal));
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, name === "instance" ? member : linked(member, literal)]),
  );
  if (!("identifier" in copy) || typeof copy["type"] !== "string" || "resourceType" in copy) return copy;
  const reference = literal(value as Reference);
  return reference === undefined ? copy : { reference, ...copy };
}

/** `meta` and identifiers that name the resource to others: those with a system. */
export function supportingHead(model: SupportingModel) {
  const id = model.type === "Device" ? model.device.id : model.id;
  return { id, meta: createdMeta() };
}

/** What finds the resource when others have made it. */
export function supportingKeys(model: SupportingModel): { system: string; value: string }[] {
  const identifiers = model.type === "Device" ? model.device.identifier : [model.identifier];
  return identifiers.flatMap(({ system, value }) => (system && value ? [{ system, value }] : []));
}
