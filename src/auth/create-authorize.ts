/** The options of a service → its Authorize. */
import type { AuthConfig } from "../config.ts";
import type { Authorize } from "./authorize.ts";
import { fetchAzureToken } from "./azure.ts";
import { readTokenFile } from "./bearer-file.ts";
import { fetchClientToken } from "./client-credentials.ts";
import { createTokenCache } from "./token-cache.ts";

export type AuthOptions = {
  service: "dicom" | "fhir";
  requestTimeoutMs: number;
  /** Aborts when the process ends; a token on its way is then dropped. */
  stop: AbortSignal;
  now(): number;
};

/** Undefined for `none`. Asks for nothing before the first `header`. */
export function createAuthorize(config: AuthConfig, options: AuthOptions): Authorize | undefined {
  switch (config.kind) {
    case "none":
      return undefined;
    case "basic": {
      const header = `Basic ${Buffer.from(`${config.user}:${config.password}`).toString("base64")}`;
      return { header: async () => header, renew: () => {} };
    }
    case "bearer":
      return createTokenCache((_signal) => readTokenFile(config.tokenFile, options), options);
    case "oauth2":
      return createTokenCache((signal) => fetchClientToken(config, options.service, signal, options.now), options);
    case "azure":
      return createTokenCache((signal) => fetchAzureToken(config, options.service, signal), options);
  }
}
