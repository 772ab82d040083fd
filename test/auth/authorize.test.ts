import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type Authorize, createAuthorize } from "../../src/auth/index.ts";
import type { AuthConfig } from "../../src/config.ts";

type Answer = { status: number; body: unknown; delayMs?: number };
type Asked = { authorization: string | undefined; form: URLSearchParams };

const servers: Server[] = [];
const stop = new AbortController();
const { signal } = new AbortController();
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A token endpoint that numbers its tokens and answers as told. */
async function tokenServer(answer: (count: number, asked: Asked) => Answer) {
  const asked: Asked[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      const one = { authorization: request.headers.authorization, form: new URLSearchParams(text) };
      asked.push(one);
      const { status, body, delayMs = 0 } = answer(asked.length, one);
      const send = () =>
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(typeof body === "string" ? body : JSON.stringify(body));
      setTimeout(send, delayMs);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/token`, asked };
}

function clock() {
  let ms = 1_000_000;
  return { now: () => ms, pass: (by: number) => (ms += by) };
}

function authorize(config: AuthConfig, now: () => number = Date.now, requestTimeoutMs = 2000): Authorize {
  const made = createAuthorize(config, { service: "fhir", requestTimeoutMs, stop: stop.signal, now });
  if (made === undefined) throw new Error("no credential");
  return made;
}
const client = (tokenUrl: string, scope?: string): AuthConfig => ({
  kind: "oauth2",
  tokenUrl,
  clientId: "id:1",
  clientSecret: "s&=%",
  scope,
});
const numbered = (life: number) => (count: number) => ({
  status: 200,
  body: { access_token: `t${count}`, expires_in: life },
});

describe("plain credentials", () => {
  test("none sends nothing, basic sends user and password in UTF-8", async () => {
    expect(
      createAuthorize({ kind: "none" }, { service: "dicom", requestTimeoutMs: 1, stop: stop.signal, now: Date.now }),
    ).toBeUndefined();
    const header = await authorize({ kind: "basic", user: "u", password: "pä:ss" }).header(signal);
    expect(Buffer.from(header?.split(" ")[1] ?? "", "base64").toString()).toBe("u:pä:ss");
  });

  test("a token file is read again when it changes, and one that is gone is told without its path's content", async () => {
    const folder = await mkdtemp(join(tmpdir(), "auth-"));
    const tokenFile = join(folder, "token");
    const time = clock();
    await writeFile(tokenFile, "one\n");
    const auth = authorize({ kind: "bearer", tokenFile }, time.now);
    expect(await auth.header(signal)).toBe("Bearer one");
    await writeFile(tokenFile, "two\n");
    time.pass(1000);
    expect(await auth.header(signal)).toBe("Bearer two");
    await writeFile(tokenFile, "not a token");
    time.pass(2000);
    await expect(auth.header(signal)).rejects.toMatchObject({ code: "AUTH_FAILED" });
    await rm(folder, { recursive: true });
    await expect(auth.header(signal)).rejects.toMatchObject({ code: "AUTH_FAILED" });
  });
});

describe("OAuth 2.0 client credentials", () => {
  test("asks with HTTP Basic, form-encoded, and the scope", async () => {
    const server = await tokenServer(numbered(3600));
    expect(await authorize(client(server.url, "system/*.*")).header(signal)).toBe("Bearer t1");
    const [asked] = server.asked;
    expect(Buffer.from(asked?.authorization?.split(" ")[1] ?? "", "base64").toString()).toBe("id%3A1:s%26%3D%25");
    expect(Object.fromEntries(asked?.form ?? [])).toEqual({ grant_type: "client_credentials", scope: "system/*.*" });
  });

  test("a server that wants the credential in the body gets it there", async () => {
    const server = await tokenServer((_count, { form }) =>
      form.get("client_secret") === "s&=%"
        ? { status: 200, body: { access_token: "t" } }
        : { status: 401, body: { error: "invalid_client" } },
    );
    expect(await authorize(client(server.url)).header(signal)).toBe("Bearer t");
  });

  test("a hundred requests at the same time ask for one token", async () => {
    const server = await tokenServer((count) => ({ ...numbered(3600)(count), delayMs: 50 }));
    const auth = authorize(client(server.url));
    const headers = await Promise.all(Array.from({ length: 100 }, () => auth.header(signal)));
    expect(new Set(headers)).toEqual(new Set(["Bearer t1"]));
    expect(server.asked).toHaveLength(1);
  });

  test("a token is replaced before it ends", async () => {
    const server = await tokenServer(numbered(3600));
    const time = clock();
    const auth = authorize(client(server.url), time.now);
    await auth.header(signal);
    time.pass(3_299_000);
    expect(await auth.header(signal)).toBe("Bearer t1");
    time.pass(2000);
    expect(await auth.header(signal)).toBe("Bearer t2");
  });

  test("while the token lasts, a failed replacement harms nobody; after its end it does", async () => {
    const server = await tokenServer((count) => (count === 1 ? numbered(3600)(1) : { status: 503, body: "" }));
    const time = clock();
    const auth = authorize(client(server.url), time.now);
    await auth.header(signal);
    time.pass(3_400_000);
    expect(await auth.header(signal)).toBe("Bearer t1");
    expect(await auth.header(signal)).toBe("Bearer t1");
    expect(server.asked).toHaveLength(2);
    time.pass(201_000);
    await expect(auth.header(signal)).rejects.toMatchObject({
      code: "AUTH_FAILED",
      detail: { service: "fhir", status: 503 },
    });
  });

  test("after a 401 one new token is fetched, however many requests failed with the old one", async () => {
    const server = await tokenServer((count) => ({ ...numbered(3600)(count), delayMs: 20 }));
    const time = clock();
    const auth = authorize(client(server.url), time.now);
    await auth.header(signal);
    time.pass(10_000);
    const again = async () => {
      auth.renew();
      return auth.header(signal);
    };
    expect(new Set(await Promise.all(Array.from({ length: 20 }, again)))).toEqual(new Set(["Bearer t2"]));
    auth.renew(); // a late 401 of the old token
    expect(await auth.header(signal)).toBe("Bearer t2");
    expect(server.asked).toHaveLength(2);
  });

  test("a failure is not kept: the next request asks again", async () => {
    const server = await tokenServer((count) => (count === 1 ? { status: 500, body: "" } : numbered(60)(count)));
    const auth = authorize(client(server.url));
    await expect(auth.header(signal)).rejects.toMatchObject({ code: "AUTH_FAILED" });
    expect(await auth.header(signal)).toBe("Bearer t2");
  });

  test("a caller that gives up does not take the token from the others", async () => {
    const server = await tokenServer((count) => ({ ...numbered(3600)(count), delayMs: 100 }));
    const auth = authorize(client(server.url));
    const impatient = new AbortController();
    const given = auth.header(impatient.signal);
    const other = auth.header(signal);
    impatient.abort();
    await expect(given).rejects.toMatchObject({ code: "ABORTED" });
    expect(await other).toBe("Bearer t1");
  });

  test("a token URL that does not answer, answers HTML, redirects or is slow is one error, without its text", async () => {
    const broken: [string, (count: number, asked: Asked) => Answer][] = [
      ["html", () => ({ status: 200, body: "<html>Doe</html>" })],
      ["no token", () => ({ status: 200, body: { access_token: "" } })],
      ["header injection", () => ({ status: 200, body: { access_token: "a\r\nx: y" } })],
      ["slow", () => ({ status: 200, body: {}, delayMs: 1000 })],
      ["own words", () => ({ status: 400, body: { error: "secret s&=% is wrong" } })],
    ];
    for (const [name, answer] of broken) {
      const server = await tokenServer(answer);
      const error: unknown = await authorize(client(server.url), Date.now, 200)
        .header(signal)
        .then(String, (thrown) => thrown);
      expect([name, error]).toEqual([name, expect.objectContaining({ code: "AUTH_FAILED" })]);
      expect(String(error)).not.toMatch(/Doe|s&=%|127\.0\.0\.1/);
    }
    await expect(authorize(client("http://127.0.0.1:9/token")).header(signal)).rejects.toMatchObject({
      code: "AUTH_FAILED",
    });
  });
});

describe("Azure", () => {
  test("a managed identity's token is asked for once and with the scope's resource (App Service's endpoint)", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(
        `${request.headers["x-identity-header"]} ${new URL(request.url ?? "", "http://x").searchParams.get("resource")}`,
      );
      const endsAt = Math.floor(Date.now() / 1000) + 3600;
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ access_token: "managed", expires_on: String(endsAt), token_type: "Bearer" }));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    process.env["IDENTITY_ENDPOINT"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env["IDENTITY_HEADER"] = "h";
    try {
      const credential = { kind: "managed-identity", clientId: undefined } as const;
      const auth = authorize(
        { kind: "azure", credential, scope: "https://dicom.healthcareapis.azure.com/.default" },
        Date.now,
        10_000,
      );
      expect([await auth.header(signal), await auth.header(signal)]).toEqual(["Bearer managed", "Bearer managed"]);
      expect(asked).toEqual(["h https://dicom.healthcareapis.azure.com"]);
    } finally {
      delete process.env["IDENTITY_ENDPOINT"];
      delete process.env["IDENTITY_HEADER"];
    }
  });

  test("a credential that cannot be had is AUTH_FAILED, without the library's text", async () => {
    const credential = { kind: "certificate", tenantId: "t", clientId: "c", certificateFile: "/nowhere.pem" } as const;
    const error: unknown = await authorize({ kind: "azure", credential, scope: "https://x/.default" })
      .header(signal)
      .then(String, (thrown) => thrown);
    expect(error).toMatchObject({ code: "AUTH_FAILED", detail: { service: "fhir", credential: "certificate" } });
    expect(String(error)).not.toContain("nowhere");
  });
});
