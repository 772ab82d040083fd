/** What an HTTP client asks for; the same for every kind of credential. */
export type Authorize = {
  /**
   * The value of the Authorization header; undefined when none is to be sent.
   * @throws StudycastError AUTH_FAILED; ABORTED when the signal aborts first
   */
  header(signal: AbortSignal): Promise<string | undefined>;
  /** To be called after a 401, before the one more try: the next `header` asks for a new token, unless the present one is a moment old. */
  renew(): void;
};

/** A token and when it ends, in milliseconds since 1970. */
export type Token = { value: string; endsAtMs: number };
