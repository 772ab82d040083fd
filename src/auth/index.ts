/** How requests to one service prove who sends them. The HTTP clients get an `Authorize` and know nothing of what is behind it. */
export type { Authorize } from "./authorize.ts";
export { type AuthOptions, createAuthorize } from "./create-authorize.ts";
