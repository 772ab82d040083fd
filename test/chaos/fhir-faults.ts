/** Answers of a FHIR server in trouble. Those that a healthy server could give to a look-up alone are not forged: a lie is no fault. */
import type { Effect } from "../../emulators/fault-proxy/index.ts";
import type { FaultKind } from "./fault.ts";

const TRANSACTION = '"type":"transaction"';
/** A transaction with a resource that was looked up: it can be gone. */
const UPDATE = '"type":"transaction"[^]*"ifMatch"';

/** Befalls some of the requests, or some of those with such a body, as long as it lasts. */
function some(effect: Effect, { body, share = 0.6 }: { body?: string; share?: number } = {}): FaultKind {
  return {
    lasts: [50, 900],
    weight: 0.5,
    begin({ fhirProxy }, draw) {
      const which = body === undefined ? {} : { method: "POST", body };
      const from = draw.between(1, 4);
      return fhirProxy.add({ effect, ...which, from, probability: share, seed: draw.below(1e9) });
    },
  };
}
const status = (code: number, retryAfter?: number): Effect => ({
  kind: "status",
  status: code,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

export const FHIR_FAULTS: Readonly<Record<string, FaultKind>> = {
  "fhir-409": some(status(409), { body: TRANSACTION }),
  "fhir-412": some(status(412), { body: TRANSACTION }),
  "fhir-404-on-write": some(status(404), { body: UPDATE }),
  "fhir-410-on-write": some(status(410), { body: UPDATE }),
  "fhir-429": some(status(429)),
  "fhir-429-retry-after": some(status(429, 1)),
  "fhir-500": some({ kind: "status", status: 500, body: "html" }),
  "fhir-502": some({ kind: "status", status: 502, body: "html" }),
  "fhir-503": some(status(503, 1)),
  "fhir-503-on-write": some(status(503), { body: TRANSACTION }),
  "fhir-401": some(status(401)),
  "fhir-reset-before": some({ kind: "reset", when: "before" }),
  "fhir-reset-after-commit": some({ kind: "reset", when: "after" }, { body: TRANSACTION, share: 0.9 }),
  "fhir-reset-in-answer": some({ kind: "reset", when: "body" }),
  "fhir-html": some({ kind: "html" }),
  "fhir-half-body": some({ kind: "truncate" }),
  "fhir-slow": some({ kind: "delay", ms: 400 }),
  "fhir-down": { ...some({ kind: "reset", when: "before" }, { share: 1 }), lasts: [500, 2500] },
  "fhir-timeout-after-commit": {
    // The answer comes when nobody waits for it any more.
    lasts: [300, 2500],
    begin({ fhirProxy }, draw) {
      const name = `late ${draw.below(1e9)}`;
      const effect: Effect = { kind: "hold", name, when: "after" };
      const end = fhirProxy.add({ effect, method: "POST", body: TRANSACTION, times: draw.between(1, 3) });
      return () => {
        end();
        fhirProxy.proxy.release(name);
      };
    },
  },
};
