/** Every way in which something goes wrong, and the words for it. Nobody else writes such words, and nobody reads an error's text. */

export type FailureKind =
  | "camera-none"
  | "camera-denied"
  | "camera-in-use"
  | "camera-failed"
  | "camera-lost"
  | "insecure"
  | "offline"
  | "unreachable"
  | "slow"
  | "file-too-large"
  | "not-a-picture"
  | "picture-too-large"
  | "not-signed-in"
  | "session-over"
  | "sign-in-refused"
  | "sign-in-mixed-up"
  | "not-allowed"
  | "too-many"
  | "busy"
  | "refused"
  | "no-model"
  | "model-download"
  | "model-altered"
  | "model-unknown"
  | "no-wasm"
  | "runtime-failed"
  | "device-failed"
  | "config-missing"
  | "config-wrong"
  | "unexpected";

export interface Facts {
  readonly cause?: unknown;
  readonly status?: number;
  /** Whole seconds that the service asks us to wait. */
  readonly seconds?: number;
  /** The service's own sentence (or the name of a field, or a sign-in error's code). */
  readonly said?: string;
}

export class Failure extends Error {
  override readonly name = "Failure";
  constructor(
    readonly kind: FailureKind,
    readonly facts: Facts = {},
  ) {
    super(kind, { cause: facts.cause });
  }
}

/** What a person can do about it, beside reading. */
export type Remedy = "retry" | "sign-in" | "none";

export interface Words {
  readonly text: string;
  readonly remedy: Remedy;
}

const PHRASES: Readonly<Record<FailureKind, (facts: Facts) => Words>> = {
  "camera-none": () => plain("No camera was found. Connect one, or choose a picture instead."),
  "camera-denied": () =>
    plain(
      "This page may not use the camera. Allow it in the browser's settings for this site, or choose a picture instead.",
    ),
  "camera-in-use": () =>
    retry(
      "The camera is in use. Close the other program or tab that uses it and try again, or choose a picture instead.",
    ),
  "camera-failed": () => retry("The camera did not start. Try again, or choose a picture instead."),
  "camera-lost": () => retry("The camera went away. Connect it again, or choose a picture instead."),
  insecure: () =>
    plain(
      "The browser allows camera, sign-in and models only on a secure page. Open this one by https:// (or on localhost).",
    ),
  offline: () => retry("You are offline. Connect to the internet and try again."),
  unreachable: () => retry("The service cannot be reached. Check the connection and try again."),
  slow: () => retry("The service did not answer in time. Try again in a moment."),
  "file-too-large": ({ said }) => plain(`This file is too large${said ? ` (${said})` : ""}. Choose one below 80 MB.`),
  "not-a-picture": () => plain("This file is not a picture that the browser can read. Choose a JPEG or PNG."),
  "picture-too-large": () => plain("This picture is too large, even scaled down. Choose a smaller one."),
  "not-signed-in": () => signIn("You are not signed in. Sign in to have a picture looked at."),
  "session-over": () => signIn("Your session is over. Sign in again, then take the picture once more."),
  "sign-in-refused": ({ said }) => signIn(`Sign-in was refused${said ? ` (${said})` : ""}. Try again.`),
  "sign-in-mixed-up": () => signIn("This sign-in was not started here, or too long ago. Sign in again."),
  "not-allowed": () =>
    plain("Your account may not do this. Ask whoever runs this service for the permission edgetrain/detect."),
  "too-many": (facts) => retry(`Too many requests at once. ${wait(facts)}`),
  busy: (facts) => retry(`The service is busy. ${wait(facts)}`),
  refused: ({ said }) =>
    plain(said ? `The service refused the picture: ${sentence(said)}` : "The service refused the picture."),
  "no-model": () => plain("The service has no model for this yet. Whoever runs it can publish one."),
  "model-download": () =>
    retry("The model could not be downloaded to this device. Check the connection and try again."),
  "model-altered": () =>
    retry("The downloaded model is not the published one (its SHA-256 differs), so it was thrown away. Try again."),
  "model-unknown": () =>
    plain("This page does not understand the published model. Reload the page: it may be older than the model."),
  "no-wasm": () =>
    plain("This browser cannot run models: it lacks WebAssembly with SIMD. Pictures still go to the service."),
  "runtime-failed": () =>
    retry("The program that runs models did not start on this device. Check the connection and try again."),
  "device-failed": () =>
    retry("The model stopped working on this device. Try again, or switch it off: the service does not need it."),
  "config-missing": ({ status }) =>
    plain(
      `This page is not set up: config.json is missing (${status ?? "no answer"}). Publish it with: edgetrain web publish`,
    ),
  "config-wrong": ({ said }) =>
    plain(
      `This page is not set up: config.json is wrong (${said ?? "not JSON"}). Publish it with: edgetrain web publish`,
    ),
  unexpected: ({ status }) =>
    retry(`Something unexpected went wrong${status ? ` (status ${status})` : ""}. Try again.`),
};

export function wordsFor(failure: Failure): Words {
  return PHRASES[failure.kind](failure.facts);
}

/** Whatever was thrown, as a failure. */
export function failureOf(thrown: unknown): Failure {
  return thrown instanceof Failure ? thrown : new Failure("unexpected", { cause: thrown });
}

/** A `fetch` that threw: no network, or a time-out. */
export function networkFailure(thrown: unknown, online: boolean): Failure {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
    return new Failure("slow", { cause: thrown });
  }
  return new Failure(online ? "unreachable" : "offline", { cause: thrown });
}

const CAMERA_KINDS: Readonly<Record<string, FailureKind>> = {
  NotFoundError: "camera-none",
  OverconstrainedError: "camera-none",
  NotAllowedError: "camera-denied",
  SecurityError: "camera-denied",
  NotReadableError: "camera-in-use",
  AbortError: "camera-in-use",
};

/** What `getUserMedia` threw. */
export function cameraFailure(thrown: unknown): Failure {
  const name = thrown instanceof Error || thrown instanceof DOMException ? thrown.name : "";
  return new Failure(CAMERA_KINDS[name] ?? "camera-failed", { cause: thrown });
}

const STATUS_KINDS: Readonly<Record<number, FailureKind>> = {
  400: "refused",
  401: "session-over",
  403: "not-allowed",
  404: "no-model",
  413: "picture-too-large",
  415: "refused",
  422: "refused",
  429: "too-many",
  502: "busy",
  503: "busy",
  504: "slow",
};

/** An answer of the API that is not a success. `body` is `{"error": {"code", "message"}}`, API Gateway's `{"message"}`, or anything. */
export function replyFailure(status: number, headers: Headers, body: unknown): Failure {
  const seconds = retryAfter(headers.get("retry-after"));
  const said = messageOf(body);
  return new Failure(STATUS_KINDS[status] ?? "unexpected", {
    status,
    ...(seconds === undefined ? {} : { seconds }),
    ...(said === undefined ? {} : { said }),
  });
}

function messageOf(body: unknown): string | undefined {
  const outer = body as { error?: { message?: unknown }; message?: unknown } | null | undefined;
  const message = outer?.error?.message ?? outer?.message;
  return typeof message === "string" && message !== "" ? message : undefined;
}

function retryAfter(value: string | null): number | undefined {
  return value !== null && /^\d{1,5}$/.test(value) ? Number(value) : undefined;
}

function wait({ seconds }: Facts): string {
  if (seconds === undefined || seconds < 1) {
    return "Try again in a moment.";
  }
  return seconds === 1 ? "Try again in a second." : `Try again in ${seconds} seconds.`;
}

function sentence(said: string): string {
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

function plain(text: string): Words {
  return { text, remedy: "none" };
}

function retry(text: string): Words {
  return { text, remedy: "retry" };
}

function signIn(text: string): Words {
  return { text, remedy: "sign-in" };
}
