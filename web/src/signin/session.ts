/** Signing in by authorization code and PKCE (Cognito's `/oauth2/*`), and the tokens of who is signed in.
 *
 * Tokens are in memory and in this tab's session storage, so that a reload does not sign out and another tab sees nothing.
 */

import { fields, number, text } from "../checks";
import type { SignInConfig } from "../config";
import { Failure, networkFailure } from "../failures";
import { challengeOf, randomText } from "./pkce";

const TOKENS = "edgetrain.tokens";
const STARTED = "edgetrain.sign-in";
/** A token this close to its end is refreshed before it is used. */
const MARGIN_MILLISECONDS = 60_000;

interface Tokens {
  readonly access: string;
  readonly refresh: string | null;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

interface Started {
  readonly state: string;
  readonly verifier: string;
}

/** What the session uses of a browser; tests bring their own. */
export interface Surroundings {
  readonly storage: Storage;
  readonly fetching: typeof fetch;
  readonly now: () => number;
  readonly online: () => boolean;
  readonly go: (url: string) => void;
  /** Where the sign-in page sends people back to: this page's folder, with its slash. */
  readonly home: string;
}

export class Session {
  #tokens: Tokens | null;
  #refreshing: Promise<string> | null = null;

  constructor(
    private readonly config: SignInConfig,
    private readonly around: Surroundings,
  ) {
    this.#tokens = stored<Tokens>(around.storage, TOKENS);
  }

  get signedIn(): boolean {
    return this.#tokens !== null;
  }

  /** Leaves for the sign-in page. Throws `Failure` where the browser has no cryptography for it. */
  async signIn(): Promise<void> {
    if (globalThis.crypto?.subtle === undefined) {
      throw new Failure("insecure");
    }
    const started: Started = { state: randomText(), verifier: randomText() };
    this.around.storage.setItem(STARTED, JSON.stringify(started));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.config.clientId,
      redirect_uri: this.around.home,
      scope: this.config.scopes.join(" "),
      state: started.state,
      code_challenge_method: "S256",
      code_challenge: await challengeOf(started.verifier),
    });
    this.around.go(`${this.config.url}/oauth2/authorize?${query}`);
  }

  /** What to do with the page's own query: true when it was an answer of the sign-in page (which then is used up).
   *
   * Throws `Failure`: sign-in was refused, was not started here, or its code was not taken.
   */
  async comeBack(query: URLSearchParams): Promise<boolean> {
    const code = query.get("code");
    const error = query.get("error");
    if (code === null && error === null) {
      return false;
    }
    const started = stored<Started>(this.around.storage, STARTED);
    this.around.storage.removeItem(STARTED);
    if (started === null || query.get("state") !== started.state) {
      throw new Failure("sign-in-mixed-up");
    }
    if (code === null) {
      throw refused(error);
    }
    await this.#trade({
      grant_type: "authorization_code",
      code,
      redirect_uri: this.around.home,
      code_verifier: started.verifier,
    });
    return true;
  }

  /** A token that is good for at least another minute. Throws `Failure`. */
  async accessToken(): Promise<string> {
    if (this.#tokens === null) {
      throw new Failure("not-signed-in");
    }
    if (this.#tokens.expires - this.around.now() > MARGIN_MILLISECONDS) {
      return this.#tokens.access;
    }
    this.#refreshing ??= this.#refresh(this.#tokens).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** The service did not take the token, or it cannot be refreshed. */
  forget(): void {
    this.#tokens = null;
    this.around.storage.removeItem(TOKENS);
  }

  /** Leaves for the sign-out page, after the refresh token was made worthless. */
  async signOut(): Promise<void> {
    const refresh = this.#tokens?.refresh;
    this.forget();
    if (refresh) {
      // To its last byte: leaving the page cuts off what is under way. Where it fails the token ends by itself within a day, and
      // nobody holds it any more.
      const revoked = this.#post("revoke", { token: refresh }).then((reply) => reply.text());
      await revoked.catch(() => undefined);
    }
    const query = new URLSearchParams({ client_id: this.config.clientId, logout_uri: this.around.home });
    this.around.go(`${this.config.url}/logout?${query}`);
  }

  async #refresh(tokens: Tokens): Promise<string> {
    if (tokens.refresh === null) {
      this.forget();
      throw new Failure("session-over");
    }
    try {
      return await this.#trade({ grant_type: "refresh_token", refresh_token: tokens.refresh }, tokens.refresh);
    } catch (error) {
      if (error instanceof Failure && error.kind === "sign-in-refused") {
        this.forget();
        throw new Failure("session-over", { cause: error });
      }
      throw error;
    }
  }

  /** Keeps the tokens that the sign-in page gives for `form`; a refresh gives no new refresh token, so the old one stays. */
  async #trade(form: Record<string, string>, refresh: string | null = null): Promise<string> {
    const reply = await this.#post("token", form);
    const body: unknown = await reply.json().catch(() => null);
    if (reply.status === 400 || reply.status === 401) {
      throw refused((body as { error?: unknown } | null)?.error);
    }
    if (!reply.ok) {
      throw new Failure(reply.status === 429 ? "too-many" : "busy", { status: reply.status });
    }
    const answer = fields(body, "the sign-in's answer");
    this.#tokens = {
      access: text(answer["access_token"], "access_token"),
      refresh: answer["refresh_token"] === undefined ? refresh : text(answer["refresh_token"], "refresh_token"),
      expires: this.around.now() + number(answer["expires_in"], "expires_in") * 1000,
    };
    this.around.storage.setItem(TOKENS, JSON.stringify(this.#tokens));
    return this.#tokens.access;
  }

  async #post(what: "token" | "revoke", form: Record<string, string>): Promise<Response> {
    const body = new URLSearchParams({ client_id: this.config.clientId, ...form });
    try {
      return await this.around.fetching(`${this.config.url}/oauth2/${what}`, { method: "POST", body });
    } catch (error) {
      throw networkFailure(error, this.around.online());
    }
  }
}

/** Only an error's code is shown: the sentence beside it comes from an address that anybody can write. */
function refused(code: unknown): Failure {
  return new Failure("sign-in-refused", typeof code === "string" && /^[a-z_]{1,40}$/.test(code) ? { said: code } : {});
}

function stored<T>(storage: Storage, key: string): T | null {
  const value = storage.getItem(key);
  return value === null ? null : (JSON.parse(value) as T);
}
