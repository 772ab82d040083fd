/** Plain HTTP against a FHIR server: the contract must not depend on the client it is about. */
export type Reply = { status: number; headers: Headers; text: string; body: Body };
export type Body = {
  resourceType?: string;
  id?: string;
  total?: number;
  link?: { relation: string; url: string }[];
  entry?: {
    fullUrl?: string;
    resource?: Body;
    response?: { status: string; etag?: string; location?: string; outcome?: Body };
  }[];
  meta?: { versionId?: string; tag?: { system?: string; code?: string }[] };
  identifier?: { system?: string; value?: string }[];
  subject?: { reference?: string };
  issue?: { severity: string; diagnostics?: string }[];
  [member: string]: unknown;
};
export type Exchange = {
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  transaction(entries: Entry[], headers?: Record<string, string>): Promise<Reply>;
  batch(entries: Entry[], headers?: Record<string, string>): Promise<Reply>;
  /** A search that no cache answers. */
  search(query: string): Promise<Body>;
};
export type Entry = {
  fullUrl?: string;
  resource?: unknown;
  request: { method: string; url: string; ifMatch?: string; ifNoneExist?: string; ifNoneMatch?: string };
};

export function exchangeWith(base: string): Exchange {
  const send: Exchange["send"] = async (method, path, body, headers = {}) => {
    const response = await fetch(path.startsWith("http") ? path : `${base}${path}`, {
      method,
      headers: { "content-type": "application/fhir+json", accept: "application/fhir+json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === "" ? {} : (JSON.parse(text) as Body),
    };
  };
  const bundle = (type: string) => (entry: Entry[], headers?: Record<string, string>) =>
    send("POST", "", { resourceType: "Bundle", type, entry }, headers);
  return {
    send,
    transaction: bundle("transaction"),
    batch: bundle("batch"),
    search: async (query) => (await send("GET", `/${query}`, undefined, { "cache-control": "no-cache" })).body,
  };
}
