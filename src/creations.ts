/**
 * Creations of Patients and supporting resources, one at a time each: studies of one patient, and of one scanner, often arrive together, and servers know no
 * condition for a creation. A sync claims what it does not know FHIR to have, and only then looks: until its claim ends no other sync looks.
 */
import type { State } from "./state/index.ts";
import { endsWithin } from "./time.ts";

/** By resource id; shared by the syncs of this process. */
export type Creations = {
  /** This process' claims; whoever comes later than `claimMs` takes it over. */
  claims: Map<string, Held>;
  /** `found`: nobody will create it; of one that is deleted later a look-up tells. `refused`: FHIR does not take it, nobody need wait for it. */
  known: Map<string, "found" | "refused">;
  /** Claims across processes; they run out after `claimMs`, too. */
  state: Pick<State, "claimCreation" | "endCreation">;
  claimMs: number;
};

/** `sinceMs`: by performance.now. */
type Held = { ended: Promise<void>; end: () => void; sinceMs: number };

/** So many ids are remembered. */
const REMEMBERED = 10_000;
/** A sync that waits holds a place, so it waits only for claims that are younger than this, until they are as old; else it is put off. */
const YOUNG_MS = 50;

export function createCreations(state: Creations["state"], claimMs: number): Creations {
  return { claims: new Map(), known: new Map(), state, claimMs };
}

/** Another sync may be creating what the study refers to, for so long already: it is no use to go on with the study before that has ended. */
export class CreatedElsewhere extends Error {
  readonly ageMs: number;
  constructor(ageMs: number) {
    super("created elsewhere");
    this.ageMs = ageMs;
  }
}

/** What one sync has claimed. */
export type Claim = {
  /**
   * Claims what FHIR is not known to have; all of it or nothing.
   * @throws CreatedElsewhere when others have claimed some of it and go on, StudycastError of service redis
   */
  take(ids: readonly string[]): Promise<void>;
  /** Whether these may be created without regard to others. */
  covers(ids: readonly string[]): boolean;
  /** Ends what was taken of these, or all; never throws. */
  end(ids?: readonly string[]): Promise<void>;
};

/** Of a sync that is not put off: it goes on whatever others do. */
export const WITHOUT_CLAIM: Claim = { take: async () => {}, covers: () => true, end: async () => {} };

export function createClaim({ claims, known, state, claimMs }: Creations): Claim {
  const taken = new Map<string, Held>();

  async function end(ids: readonly string[] = [...taken.keys()]): Promise<void> {
    const ended = [...taken].filter(([id]) => ids.includes(id));
    for (const [id] of ended) taken.delete(id);
    await Promise.all(ended.map(([id]) => state.endCreation(id)));
    for (const [id, held] of ended) {
      if (claims.get(id) === held) claims.delete(id);
      held.end();
    }
  }

  return {
    async take(ids) {
      const wanted = () => ids.filter((id) => !known.has(id) && !taken.has(id));
      const age = ({ sinceMs }: Held) => performance.now() - sinceMs;
      const others = () =>
        wanted()
          .flatMap((id) => claims.get(id) ?? [])
          .filter((held) => age(held) < claimMs);
      for (let [other] = others(); other !== undefined; [other] = others()) {
        const hasEnded = await endsWithin(other.ended, YOUNG_MS - age(other));
        if (!hasEnded && others().includes(other)) throw new CreatedElsewhere(age(other));
      }
      // No await since the last look at the others' claims.
      const unknown = wanted();
      for (const id of unknown) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const held = { ended: promise, end: resolve, sinceMs: performance.now() };
        claims.set(id, held);
        taken.set(id, held);
      }
      const answers = await Promise.allSettled(unknown.map((id) => state.claimCreation(id, claimMs)));
      const failed = answers.find((answer) => answer.status === "rejected");
      const ages = answers.flatMap((answer) => (answer.status === "fulfilled" ? (answer.value ?? []) : []));
      if (failed === undefined && ages.length === 0) return;
      await end();
      throw failed === undefined ? new CreatedElsewhere(Math.max(...ages)) : failed.reason;
    },
    covers: (ids) => ids.every((id) => taken.has(id) || known.get(id) === "refused"),
    end,
  };
}

/** Notes what a look-up has told of these ids. */
export function noteFound(ids: readonly string[], absent: readonly string[], { known }: Creations): void {
  for (const id of absent) if (known.get(id) === "found") known.delete(id);
  note(
    ids.filter((id) => !absent.includes(id)),
    "found",
    known,
  );
}

/** Notes that FHIR has refused to take these. */
export function noteRefused(ids: readonly string[], { known }: Creations): void {
  note(
    ids.filter((id) => !known.has(id)),
    "refused",
    known,
  );
}

function note(ids: readonly string[], what: "found" | "refused", known: Creations["known"]): void {
  for (const id of ids) {
    known.delete(id);
    known.set(id, what);
  }
  for (const id of known.keys()) {
    if (known.size <= REMEMBERED) return;
    known.delete(id);
  }
}
