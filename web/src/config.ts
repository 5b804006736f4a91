/** `config.json`, which `edgetrain web publish` writes beside the page: the only thing the page knows about where it runs. */

import { type Fields, fields, list, text, Unexpected } from "./checks";
import { Failure } from "./failures";

export interface SignInConfig {
  /** Where Cognito's `/oauth2/*` and `/logout` answer; no slash at the end. */
  readonly url: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface Config {
  /** No slash at the end. */
  readonly apiUrl: string;
  readonly signIn: SignInConfig;
  readonly tasks: readonly string[];
}

/** Throws `Unexpected`, which names the field, when it is not as `edgetrain web publish` writes it. */
export function parseConfig(value: unknown): Config {
  const config = fields(value, "config.json");
  const signIn: Fields = fields(config["signIn"], "signIn");
  const tasks = list(config["tasks"], "tasks").map((task, index) => text(task, `tasks[${index}]`));
  if (tasks.length === 0) {
    throw new Unexpected("tasks is empty");
  }
  return {
    apiUrl: withoutSlash(text(config["apiUrl"], "apiUrl")),
    signIn: {
      url: withoutSlash(text(signIn["url"], "signIn.url")),
      clientId: text(signIn["clientId"], "signIn.clientId"),
      scopes: list(signIn["scopes"], "signIn.scopes").map((scope, index) => text(scope, `signIn.scopes[${index}]`)),
    },
    tasks,
  };
}

/** Throws `Failure`: it is missing, cannot be reached or is not as expected. */
export async function readConfig(fetching: typeof fetch = fetch): Promise<Config> {
  let reply: Response;
  try {
    reply = await fetching("config.json", { cache: "no-cache" });
  } catch (error) {
    throw new Failure("unreachable", { cause: error });
  }
  if (!reply.ok) {
    throw new Failure("config-missing", { status: reply.status });
  }
  try {
    return parseConfig(await reply.json());
  } catch (error) {
    throw new Failure("config-wrong", { cause: error, said: error instanceof Unexpected ? error.message : "not JSON" });
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
