/** What goes wrong during the soak, one after the other; each fault ends before it resolves. */
import { setTimeout as delay } from "node:timers/promises";
import type { Effect, Fault } from "../emulators/fault-proxy/index.ts";
import type { Stage } from "./stage.ts";

export type SoakSite = {
  stage: Stage;
  /** SIGSTOP and SIGCONT of the worker that lives through all of it. */
  freezeSteady(signal: "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL of the other worker; another one is started `pauseMs` later. */
  killOther(pauseMs: number): Promise<void>;
  signalRedis(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
};

export type SoakFault = { name: string; befall(site: SoakSite, signal: AbortSignal): Promise<void> };

const TROUBLE_MS = 10_000;

const KILL: SoakFault = { name: "a worker is killed and comes back", befall: ({ killOther }) => killOther(3000) };

const ROUND: readonly SoakFault[] = [
  proxied("FHIR answers 503", "fhir", [{ effect: { kind: "status", status: 503 } }]),
  proxied("DICOM answers 500", "dicom", [{ effect: { kind: "status", status: 500 } }]),
  { name: "Redis is killed and comes back", befall: ({ signalRedis }) => signalRedis("SIGKILL") },
  KILL,
  proxied("FHIR commits and resets the connection", "fhir", [half({ kind: "reset", when: "after" })]),
  proxied("FHIR answers 429 with Retry-After", "fhir", [half({ kind: "status", status: 429, retryAfter: 2 })]),
  {
    name: "a worker stands still for 25 s",
    async befall({ freezeSteady }, signal) {
      freezeSteady("SIGSTOP");
      try {
        await delay(25_000, undefined, { signal });
      } finally {
        freezeSteady("SIGCONT");
      }
    },
  },
  proxied("DICOM breaks off in the middle of answers", "dicom", [half({ kind: "reset", when: "body" })]),
  proxied("FHIR takes 5 s for everything", "fhir", [{ effect: { kind: "delay", ms: 5000 } }]),
  {
    name: "Redis stands still for 8 s",
    async befall({ signalRedis }, signal) {
      await signalRedis("SIGSTOP");
      try {
        await delay(8000, undefined, { signal });
      } finally {
        await signalRedis("SIGCONT");
      }
    },
  },
];

/** The kill comes in every second round: a life of ten minutes is half warm-up, and too short to tell a slope. */
export const SOAK_FAULTS: readonly SoakFault[] = [...ROUND, ...ROUND.filter((fault) => fault !== KILL)];

/** Half of the requests. */
function half(effect: Effect): Fault {
  return { effect, probability: 0.5 };
}

function proxied(name: string, service: "fhir" | "dicom", faults: readonly Fault[]): SoakFault {
  return {
    name,
    async befall({ stage }, signal) {
      const proxy = new URL(service === "fhir" ? stage.fhirUrl : stage.dicomUrl).origin;
      await post(`${proxy}/__faults`, JSON.stringify(faults));
      try {
        await delay(TROUBLE_MS, undefined, { signal });
      } finally {
        await post(`${proxy}/__clear`, "");
      }
    },
  };
}

async function post(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: "POST", body });
  if (!response.ok) throw new Error(`${response.status} from ${new URL(url).pathname}`);
  await response.arrayBuffer();
}
