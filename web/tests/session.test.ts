/** Signing in, coming back, refreshing and signing out, against a sign-in page that is a few lines long. */

import { createHash } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { Failure } from "../src/failures";
import { challengeOf, randomText } from "../src/signin/pkce";
import { Session } from "../src/signin/session";

const HOME = "https://page.example/";
const CONFIG = { url: "https://sign-in.example", clientId: "client", scopes: ["openid", "edgetrain/detect"] };

class MemoryStorage implements Storage {
  readonly #items = new Map<string, string>();
  get length() {
    return this.#items.size;
  }
  clear = () => this.#items.clear();
  getItem = (key: string) => this.#items.get(key) ?? null;
  key = (index: number) => [...this.#items.keys()][index] ?? null;
  removeItem = (key: string) => void this.#items.delete(key);
  setItem = (key: string, value: string) => void this.#items.set(key, value);
}

/** Answers `/oauth2/token` and remembers what it was sent. */
class SignInPage {
  readonly asked: { path: string; form: URLSearchParams }[] = [];
  answer: () => Response = () => tokens({ access_token: "first", refresh_token: "refresh" });

  readonly fetch: typeof fetch = async (input, init) => {
    this.asked.push({ path: new URL(String(input)).pathname, form: init?.body as URLSearchParams });
    return this.answer();
  };
}

function tokens(fields: object): Response {
  return Response.json({ token_type: "Bearer", expires_in: 3600, ...fields });
}

let storage: MemoryStorage;
let page: SignInPage;
let visited: URL[];
let clock: number;
let session: Session;

function open(): Session {
  return new Session(CONFIG, {
    storage,
    fetching: page.fetch,
    now: () => clock,
    online: () => true,
    go: (url) => void visited.push(new URL(url)),
    home: HOME,
  });
}

beforeEach(() => {
  storage = new MemoryStorage();
  page = new SignInPage();
  visited = [];
  clock = 1_000_000;
  session = open();
});

const asked = () => visited.at(-1)?.searchParams ?? new URLSearchParams();
const form = () => Object.fromEntries(page.asked.at(-1)?.form ?? []);

async function signedIn(): Promise<void> {
  await session.signIn();
  await session.comeBack(new URLSearchParams({ code: "code", state: asked().get("state") ?? "" }));
}

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: unknown) => (error instanceof Failure ? error.kind : String(error)),
  );
}

test("the challenge is that of RFC 7636, appendix B", async () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  expect(await challengeOf(verifier)).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("a verifier has 43 characters that need no escapes, and is never the same", () => {
  const made = Array.from({ length: 20 }, randomText);
  expect(new Set(made).size).toBe(20);
  for (const text of made) {
    expect(text).toMatch(/^[\w-]{43}$/);
  }
});

test("leaves with everything that a sign-in page must know, and nothing secret", async () => {
  await session.signIn();
  expect(visited[0]?.origin + (visited[0]?.pathname ?? "")).toBe("https://sign-in.example/oauth2/authorize");
  expect(Object.fromEntries(asked())).toMatchObject({
    response_type: "code",
    client_id: "client",
    redirect_uri: HOME,
    scope: "openid edgetrain/detect",
    code_challenge_method: "S256",
  });
  expect(visited[0]?.href).not.toContain(JSON.parse(storage.getItem("edgetrain.sign-in") ?? "{}").verifier);
});

test("trades the code with the verifier of the challenge", async () => {
  await signedIn();
  expect(page.asked[0]?.path).toBe("/oauth2/token");
  expect(form()).toMatchObject({ grant_type: "authorization_code", code: "code", redirect_uri: HOME });
  const challenge = createHash("sha256")
    .update(form()["code_verifier"] ?? "")
    .digest("base64url");
  expect(challenge).toBe(asked().get("code_challenge"));
  expect(session.signedIn).toBe(true);
  expect(await session.accessToken()).toBe("first");
});

test("a page that is opened the usual way is no answer", async () => {
  expect(await session.comeBack(new URLSearchParams("utm_source=x"))).toBe(false);
  expect(session.signedIn).toBe(false);
});

test.each([
  ["another state", { code: "code", state: "other" }, "sign-in-mixed-up"],
  ["no state", { code: "code" }, "sign-in-mixed-up"],
  ["an error", { error: "access_denied", error_description: "Call 555 at once" }, "sign-in-refused"],
])("comes back with %s", async (_, query, kind) => {
  await session.signIn();
  const state = kind === "sign-in-refused" ? { state: asked().get("state") ?? "" } : {};
  expect(await failure(session.comeBack(new URLSearchParams({ ...query, ...state })))).toBe(kind);
  expect(session.signedIn).toBe(false);
  expect(page.asked).toHaveLength(0);
});

test("an answer counts once", async () => {
  await signedIn();
  const again = session.comeBack(new URLSearchParams({ code: "code", state: asked().get("state") ?? "" }));
  expect(await failure(again)).toBe("sign-in-mixed-up");
});

test("an error's sentence is never shown, its code only when it is one", async () => {
  for (const [error, said] of [
    ["access_denied", "access_denied"],
    ["Call 555 at once", undefined],
  ] as const) {
    await session.signIn();
    const query = new URLSearchParams({ error, error_description: "Call 555", state: asked().get("state") ?? "" });
    const thrown = await session.comeBack(query).catch((caught: unknown) => caught);
    expect((thrown as Failure).facts.said).toBe(said);
  }
});

test("a reload stays signed in", async () => {
  await signedIn();
  expect(await open().accessToken()).toBe("first");
});

test("without tokens nobody is signed in", async () => {
  expect(await failure(session.accessToken())).toBe("not-signed-in");
});

test("refreshes a token that is about to end, once for all who wait, and keeps the refresh token", async () => {
  await signedIn();
  clock += 3_545_000;
  page.answer = () => tokens({ access_token: "second" });
  expect(await Promise.all([session.accessToken(), session.accessToken()])).toEqual(["second", "second"]);
  expect(page.asked).toHaveLength(2);
  expect(form()).toEqual({ client_id: "client", grant_type: "refresh_token", refresh_token: "refresh" });
  clock += 3_600_000;
  page.answer = () => tokens({ access_token: "third" });
  expect(await session.accessToken()).toBe("third");
});

test("a refresh that is refused ends the session; one that does not get through does not", async () => {
  await signedIn();
  clock += 4_000_000;
  page.answer = () => {
    throw new TypeError("no network");
  };
  expect(await failure(session.accessToken())).toBe("unreachable");
  expect(session.signedIn).toBe(true);
  page.answer = () => Response.json({ error: "invalid_grant" }, { status: 400 });
  expect(await failure(session.accessToken())).toBe("session-over");
  expect(session.signedIn).toBe(false);
  expect(open().signedIn).toBe(false);
});

test("signing out forgets, revokes and leaves for the sign-out page", async () => {
  await signedIn();
  await session.signOut();
  expect(session.signedIn).toBe(false);
  expect(storage.length).toBe(0);
  expect(page.asked.at(-1)?.path).toBe("/oauth2/revoke");
  expect(form()).toEqual({ client_id: "client", token: "refresh" });
  expect(visited.at(-1)?.href).toBe(
    "https://sign-in.example/logout?client_id=client&logout_uri=https%3A%2F%2Fpage.example%2F",
  );
});
