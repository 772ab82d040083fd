import { describe, expect, test } from "@jest/globals";
import { createRoom } from "../src/room.ts";

describe("room for pending studies", () => {
  const limits = { pendingMax: 50, lowPendingMax: 20, memoryMaxPercent: 80 };
  const memory = async () => ({ used: 0, max: undefined });

  /** Marks pages of ten studies, faster than any clock, until the room refuses more; returns how many were marked. */
  async function fill(priority: "live" | "low"): Promise<number> {
    let pending = 0;
    const counts = async () => ({ pending, pendingLow: priority === "low" ? pending : 0 });
    const room = createRoom(limits, { counts, memory, now: () => 0 });
    while (pending < 1000 && (await room.mayMark(priority))) {
      pending += 10;
      room.marked(10);
    }
    return pending;
  }

  test("a feed that is read faster than the counts grow old does not overrun it", async () => {
    expect(await fill("low")).toBe(20);
    expect(await fill("live")).toBe(50);
  });

  test("the counts are not asked for again while there is room for what was marked since", async () => {
    let asked = 0;
    const counts = async () => {
      asked++;
      return { pending: 0, pendingLow: 0 };
    };
    const room = createRoom(limits, { counts, memory, now: () => 0 });
    await room.mayMark("live");
    room.marked(49);
    await room.mayMark("live");
    expect(asked).toBe(1);
  });
});
