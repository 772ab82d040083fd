/** One failure that must not happen: the tests that show it, or the reason why none is needed. Files are below test/. */
export type Requirement = { id: string; mustNotHappen: string } & (
  | { tests: readonly (readonly [file: string, ...titles: string[]])[] }
  | { whyNot: string }
);
