/** What a fault needs to know of a run, and what it is. */
import type { DicomEmulator } from "../../emulators/dicom/index.ts";
import type { Fault, FaultProxy } from "../../emulators/fault-proxy/index.ts";
import type { ChaosRedis, RedisKind } from "./chaos-redis.ts";
import type { Draw } from "./draw.ts";
import type { Slot } from "./workers.ts";

/** A fault proxy that several faults script at the same time. */
export type ScriptedProxy = { proxy: FaultProxy; add(fault: Fault): () => void };

export type Setting = {
  run: string;
  dicom: DicomEmulator;
  dicomProxy: ScriptedProxy;
  fhirProxy: ScriptedProxy;
  redis: ChaosRedis;
  slots: readonly Slot[];
  /** Notes something that must not be. */
  complain(what: string): void;
};

/** Ends the fault. */
export type Undo = () => Promise<void> | void;

export type FaultKind = {
  /** How long it lasts, in milliseconds. */
  lasts: readonly [from: number, to: number];
  /** Kinds of Redis it works on; all of them without this. */
  redis?: readonly RedisKind[];
  /** How likely it is drawn, against 1. */
  weight?: number;
  /** Two faults of one group never overlap. */
  group?: "redis" | "clock" | "worker" | "feed";
  /** All that is random about it comes from `draw`. */
  begin(setting: Setting, draw: Draw, lastsMs: number): Promise<Undo> | Undo;
};

export function scripted(proxy: FaultProxy): ScriptedProxy {
  let faults: Fault[] = [];
  return {
    proxy,
    add(fault) {
      faults = [...faults, fault];
      proxy.faults(faults);
      return () => {
        faults = faults.filter((other) => other !== fault);
        proxy.faults(faults);
      };
    },
  };
}
