/**
 * The place where a process is stopped: every request that leaves it (to the DICOM service, the FHIR server, Redis) passes here. A run without a stop
 * records them in order, each as label and number; a run with one calls `stop` at that request, before it is forwarded or after it was carried out and
 * before its answer is passed on. From then on nothing of the stopped process gets through.
 *
 * Labels name what is asked for, never whom it is about, so that two runs of one operation record the same points.
 */
export type Side = "before" | "after";
/** The nth request with this label, from 1, counted from the moment of arming. */
export type Point = { label: string; nth: number };
export type StopAt = Point & { side: Side };

export type Seam = {
  /** Counting starts here; requests that are on their way count as made now. */
  arm(at: StopAt | undefined, stop: () => void): void;
  /** Whether the process was stopped since arming. */
  reached(): boolean;
  /** Ends counting; to be called once the stopped process is gone, whose last bytes are not to get through. What it has open is forgotten. */
  disarm(): void;
  /** All points since arming, in order. */
  recorded(): Point[];
  /** Told by a tap when a request arrives; what it is to do with it. */
  begins(label: string): Passage;
};

export type Passage = {
  /** Whether the request may go to the server. */
  forward: boolean;
  /** Told when it was carried out; whether the answer may be passed on. */
  answered(): boolean;
  /** Told when it will never be answered, as its connection is gone. */
  dropped(): void;
};

const STOPPED: Passage = { forward: false, answered: () => false, dropped: () => {} };

export function createSeam(): Seam {
  let counting = false;
  let target: StopAt | undefined;
  let stop = () => {};
  let reached = false;
  let counts = new Map<string, number>();
  let points: Point[] = [];
  const open = new Set<{ label: string; nth: number }>();

  const isTarget = ({ label, nth }: Point, side: Side) =>
    counting && !reached && target?.label === label && target.nth === nth && target.side === side;
  const count = (request: { label: string; nth: number }) => {
    request.nth = (counts.get(request.label) ?? 0) + 1;
    counts.set(request.label, request.nth);
    points.push({ label: request.label, nth: request.nth });
  };
  const reach = () => {
    reached = true;
    stop();
  };

  return {
    arm(at, onStop) {
      counting = true;
      target = at;
      stop = onStop;
      reached = false;
      counts = new Map();
      points = [];
      for (const request of open) count(request);
      if ([...open].some((request) => isTarget(request, "before"))) reach();
    },
    reached: () => reached,
    disarm() {
      counting = false;
      if (!reached) return;
      reached = false;
      // The process they came from is dead: what is still answered to it is no request of the next one.
      for (const request of open) request.nth = 0;
      open.clear();
    },
    recorded: () => points,
    begins(label) {
      const request = { label, nth: 0 };
      if (counting) count(request);
      // Reached already: what the dying process still sends while the signal is on its way would be later than the stop.
      if (counting && reached) return STOPPED;
      if (isTarget(request, "before")) {
        reach();
        return STOPPED;
      }
      open.add(request);
      return {
        forward: true,
        dropped: () => void open.delete(request),
        answered() {
          open.delete(request);
          if (counting && reached) return false;
          if (!isTarget(request, "after")) return true;
          reach();
          return false;
        },
      };
    },
  };
}
