import { countBy } from "./build-series.ts";
import type { InstanceAttributes } from "./instance-attributes.ts";
import type { DeviceModel } from "./model.ts";
import { compareText } from "./text.ts";
import { type Ballot, vote, winner } from "./vote.ts";

/** The study's equipment, each piece once, as most of its instances describe it. Of its modalities the first by code: a PET/CT is not now this, now that. */
export function studyDevices(all: readonly InstanceAttributes[]): DeviceModel[] {
  const byId = new Map<string, Ballot<DeviceModel>>();
  const types = new Map<string, DeviceModel["type"]>();
  for (const [{ equipment }, number] of countBy(all, (instance) => instance.seriesValues)) {
    const { device } = equipment;
    if (device === undefined) continue;
    const ballot: Ballot<DeviceModel> = byId.get(device.id) ?? new Map();
    byId.set(device.id, ballot);
    vote(ballot, { ...device, type: undefined }, number);
    const known = types.get(device.id);
    if (known === undefined || compareText(codeOf(device.type), codeOf(known)) < 0) types.set(device.id, device.type);
  }
  return [...byId].flatMap(([id, ballot]) => {
    const elected = winner(ballot);
    return elected === undefined ? [] : [{ ...elected.value, type: types.get(id) }];
  });
}

/** One that has no type comes last. */
function codeOf(type: DeviceModel["type"]): string {
  return type?.coding?.[0]?.code ?? "\uffff";
}
