/** The script of faults: what may go wrong, on which requests. Plain JSON, so that it can be posted to a proxy process. */

/** What happens to a matching request. */
export type Effect =
  /** Answered by the proxy; never forwarded. `echo` puts search URL, names and identifiers of the request into the body. */
  | {
      kind: "status";
      status: number;
      /** Seconds, or "date:N" for an HTTP date N seconds ahead. */
      retryAfter?: number | `date:${number}`;
      body?: "outcome" | "html" | "empty";
      /** Issue code of the OperationOutcome (default `exception`). */
      code?: string;
    }
  /** Waits, then forwards as usual. */
  | { kind: "delay"; ms: number }
  /** Connection reset: before forwarding, after the server has answered (the write happened), or in the middle of the answer. */
  | { kind: "reset"; when: "before" | "after" | "body" }
  /** The server's answer cut off to the given share (default 0.5), with a correct length: broken JSON. */
  | { kind: "truncate"; share?: number }
  /** 200 with an HTML page (a login page of some gateway); never forwarded. */
  | { kind: "html" }
  /** 401 as long as the request carries the Authorization header of the first request that met this fault. */
  | { kind: "unauthorized" }
  /** Held until `release(name)`: before it is forwarded, or before the server's answer is passed on. */
  | { kind: "hold"; name: string; when: "before" | "after" };

/** One line of the script. Faults are tried in order; the first that fires decides (delays go on to the next one). */
export type Fault = {
  effect: Effect;
  method?: string;
  /** Regular expression on path and query (as sent). */
  path?: string;
  /** Regular expression on the first 64 kB of the request body. */
  body?: string;
  /** Only the nth matching request (1 is the first). */
  nth?: number;
  /** From the nth matching request on. */
  from?: number;
  /** At most so many times. */
  times?: number;
  /** With this probability, drawn from a generator seeded by `seed` (default 1): the same script, the same draws. */
  probability?: number;
  seed?: number;
};

export type Asked = { method: string; path: string; body: string; authorization: string | undefined };

type Armed = {
  fault: Fault;
  path: RegExp | undefined;
  body: RegExp | undefined;
  seen: number;
  fired: number;
  draw: () => number;
  token: string | undefined;
};

export type Script = {
  /** Effects that befall this request, in order; every call counts as one request. */
  effects(asked: Asked): Effect[];
  /** Whether some fault has to look at the request body. */
  needsBody: boolean;
};

export function armScript(faults: readonly Fault[]): Script {
  const armed = faults.map(
    (fault): Armed => ({
      fault,
      path: fault.path === undefined ? undefined : new RegExp(fault.path),
      body: fault.body === undefined ? undefined : new RegExp(fault.body),
      seen: 0,
      fired: 0,
      draw: seededDraw(fault.seed ?? 1),
      token: undefined,
    }),
  );
  const fires = (one: Armed, asked: Asked): boolean => {
    const { fault } = one;
    if (fault.method !== undefined && fault.method !== asked.method) return false;
    if (one.path && !one.path.test(asked.path)) return false;
    if (one.body && !one.body.test(asked.body)) return false;
    if (fault.effect.kind === "unauthorized") {
      one.token ??= asked.authorization ?? "";
      if (one.token !== (asked.authorization ?? "")) return false;
    }
    one.seen += 1;
    if (fault.nth !== undefined && one.seen !== fault.nth) return false;
    if (fault.from !== undefined && one.seen < fault.from) return false;
    if (fault.times !== undefined && one.fired >= fault.times) return false;
    if (fault.probability !== undefined && one.draw() >= fault.probability) return false;
    one.fired += 1;
    return true;
  };
  return {
    needsBody: faults.some(({ effect, body }) => body !== undefined || effect.kind === "status"),
    effects: (asked) => {
      const effects: Effect[] = [];
      for (const one of armed) {
        if (!fires(one, asked)) continue;
        effects.push(one.fault.effect);
        if (one.fault.effect.kind !== "delay") break;
      }
      return effects;
    },
  };
}

/** mulberry32: a small seeded generator of numbers in [0, 1). */
function seededDraw(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
