/** Devices, people, institutions, places and orders as FHIR R4 or R5 resources: shape only. Of all but Device and its names both versions have one shape. */
import type * as r4 from "fhir/r4";
import type { DeviceModel, SupportingModel } from "./model.ts";
import { present } from "./present.ts";
import type { FhirVersion } from "./rows/row.ts";
import type { SupportingOf } from "./shapes.ts";
import { supportingHead } from "./supporting.ts";
import { parseUdi } from "./udi.ts";

export function writeSupporting(model: SupportingModel, fhirVersion: FhirVersion | undefined): SupportingOf {
  const written: object = fhirVersion === "R5" ? supportingR5(model) : supportingR4(model);
  return written as SupportingOf;
}

function supportingR4(model: SupportingModel): SupportingOf<"R4"> {
  return model.type === "Device" ? deviceR4(model.device, model) : plain(model);
}

function supportingR5(model: SupportingModel): object {
  if (model.type === "Device") return deviceR5(model.device, model);
  const written = plain(model);
  // R5's code is a CodeableReference.
  return written.resourceType === "ServiceRequest" && written.code !== undefined
    ? { ...written, code: { concept: written.code } }
    : written;
}

function plain(model: Exclude<SupportingModel, { type: "Device" }>): Exclude<SupportingOf<"R4">, r4.Device> {
  const head = { ...supportingHead(model), identifier: [model.identifier] };
  switch (model.type) {
    case "Practitioner":
      return present({
        resourceType: "Practitioner" as const,
        ...head,
        name: model.display === undefined ? [] : [{ use: "usual" as const, text: model.display }],
      });
    case "Organization":
      return present({ resourceType: "Organization" as const, ...head, name: model.display });
    case "Location":
      return present({ resourceType: "Location" as const, ...head, name: model.display });
    case "ServiceRequest":
      return present({
        resourceType: "ServiceRequest" as const,
        ...head,
        status: "completed" as const,
        intent: "filler-order" as const,
        code: model.code,
      });
  }
}

/** `manufacturer-name` of R4's names stays out: `manufacturer` says it. */
function deviceR4(device: DeviceModel, model: SupportingModel): r4.Device {
  const { udi, modelName, stationName } = device;
  return present({
    resourceType: "Device" as const,
    ...supportingHead(model),
    identifier: [...device.identifier],
    udiCarrier: udi === undefined ? [] : [{ ...parseUdi(udi, "R4"), carrierHRF: udi }],
    status: "active" as const,
    manufacturer: device.manufacturer,
    serialNumber: device.serialNumber,
    deviceName: [
      ...(modelName === undefined ? [] : [{ name: modelName, type: "model-name" as const }]),
      ...(stationName === undefined ? [] : [{ name: stationName, type: "user-friendly-name" as const }]),
    ],
    type: device.type,
    version: device.softwareVersions.map((value) => ({ value })),
    owner: device.owner,
  });
}

/** R5's udiCarrier demands the device identifier and its issuer; without them the UDI stands among the identifiers only. */
function deviceR5(device: DeviceModel, model: SupportingModel): object {
  const { udi, stationName } = device;
  const parts = udi === undefined ? undefined : parseUdi(udi, "R5");
  return present({
    resourceType: "Device",
    ...supportingHead(model),
    identifier: [...device.identifier],
    udiCarrier: parts === undefined ? [] : [{ ...parts, carrierHRF: udi }],
    status: "active",
    manufacturer: device.manufacturer,
    serialNumber: device.serialNumber,
    name: stationName === undefined ? [] : [{ value: stationName, type: "user-friendly-name" }],
    modelNumber: device.modelName,
    type: device.type === undefined ? [] : [device.type],
    version: device.softwareVersions.map((value) => ({ value })),
    owner: device.owner,
  });
}
