/** The equipment that made an instance (PS3.3 C.7.5.1, C.7.5.2; UDI: 10.29.1) as a Device. */
import type { Identifier, Reference } from "fhir/r4";
import { type Dataset, items, text, texts, uid } from "./dataset.ts";
import { identifierType } from "./identifier-type.ts";
import { STUDY_UID_SYSTEM } from "./identity.ts";
import type { Note } from "./issues.ts";
import { MODALITIES, modalityCoding, modalityTerm } from "./modalities.ts";
import type { DeviceModel } from "./model.ts";
import type { MappingOptions } from "./options.ts";
import { uuidV5 } from "./uuid.ts";

/** What one instance says of its equipment: `device` only where it can be told from others of its kind, `display` wherever anything is said. */
export type EquipmentValues = { device: DeviceModel | undefined; display: string | undefined };

const MAX_VERSIONS = 16;

/**
 * A Device needs a UDI, a Device UID, or a serial number together with maker and model: a serial number alone names different machines of different
 * makers. Without these there is a display only, because a station name or model would join the machines of a whole fleet.
 */
export function readEquipment(
  dataset: Dataset,
  owner: Reference | undefined,
  { modalityCodes }: Pick<MappingOptions, "modalityCodes">,
  note: Note,
): EquipmentValues {
  const manufacturer = text(dataset, "Manufacturer", note);
  const modelName = text(dataset, "ManufacturerModelName", note);
  const stationName = text(dataset, "StationName", note);
  const serialNumber = text(dataset, "DeviceSerialNumber", note);
  const udi = readUdi(dataset, note);
  const deviceUid = uid(dataset, "DeviceUID", note);
  const product = [manufacturer, modelName].filter((part) => part !== undefined).join(" ");
  const display = product === "" ? stationName : stationName === undefined ? product : `${product} (${stationName})`;
  const key = deviceKey(udi, deviceUid, manufacturer, modelName, serialNumber);
  if (key === undefined) return { device: undefined, display };

  const identifier: Identifier[] = [];
  if (deviceUid !== undefined) identifier.push({ system: STUDY_UID_SYSTEM, value: `urn:oid:${deviceUid}` });
  if (udi !== undefined) identifier.push({ type: identifierType("UDI"), value: udi });
  if (serialNumber !== undefined) identifier.push({ type: identifierType("SNO"), value: serialNumber });
  const own = text(dataset, "DeviceID", note);
  if (own !== undefined) identifier.push({ type: { text: "Device ID" }, value: own });
  const aeTitle = text(dataset, "PerformedStationAETitle", note);
  if (aeTitle !== undefined) identifier.push({ type: { text: "AE title" }, value: aeTitle });
  const modality = modalityTerm(text(dataset, "Modality", note), modalityCodes);
  const acquires = modality !== undefined && MODALITIES.get(modality)?.acquires === true;
  return {
    display,
    device: {
      id: uuidV5("device", ...key),
      identifier,
      udi,
      manufacturer,
      modelName,
      stationName,
      serialNumber,
      softwareVersions: texts(dataset, "SoftwareVersions", note).slice(0, MAX_VERSIONS),
      type: acquires ? { coding: [modalityCoding(modality)] } : undefined,
      owner,
    },
  };
}

/** (0018,1009), else the first of (0018,100A). */
function readUdi(dataset: Dataset, note: Note): string | undefined {
  const [item] = items(dataset, "UDISequence", note);
  return text(dataset, "UniqueDeviceIdentifier", note) ?? (item && text(item, "UniqueDeviceIdentifier", note));
}

/** A UDI names a product, and one piece of it only with a serial number: GS1 (21), HIBCC /S, ICCBBA =, (FDA, UDI formats by issuing agency). */
const UDI_WITH_SERIAL = /\(21\)|\/S|=,/;

function deviceKey(
  udi: string | undefined,
  deviceUid: string | undefined,
  manufacturer: string | undefined,
  modelName: string | undefined,
  serialNumber: string | undefined,
): [string, string, ...string[]] | undefined {
  if (deviceUid !== undefined) return ["uid", deviceUid];
  if (udi !== undefined && (serialNumber !== undefined || UDI_WITH_SERIAL.test(udi)))
    return ["udi", udi, serialNumber ?? ""];
  if (serialNumber === undefined || manufacturer === undefined || modelName === undefined) return undefined;
  return ["serial", manufacturer.toUpperCase(), modelName.toUpperCase(), serialNumber];
}

/** The Device as one of a series' performers: by its first identifier, or by its display alone. */
export function deviceReference({ device, display }: EquipmentValues): Reference | undefined {
  const identifier = device?.identifier[0];
  if (identifier === undefined && display === undefined) return undefined;
  return {
    type: "Device",
    ...(identifier === undefined ? {} : { identifier }),
    ...(display === undefined ? {} : { display }),
  };
}
