export {
  addRange,
  type Checkpoint,
  type FeedStart,
  type Hole,
  initialCheckpoint,
  parseCheckpoint,
  type Range,
} from "./checkpoint.ts";
export { createFeedClient, type FeedClient, type FeedClientOptions, type PageRead } from "./client.ts";
export type { Entry, FeedAction, FeedState, RejectedEntry } from "./entry.ts";
export { type FeedPage, type FeedStatus, type FollowOptions, follow } from "./follow.ts";
export { msToTicks, textToTicks, ticksToMs, ticksToText } from "./ticks.ts";
