/** Each failure has clear words, and what can be done about it. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  cameraFailure,
  Failure,
  type FailureKind,
  failureOf,
  networkFailure,
  replyFailure,
  wordsFor,
} from "../src/failures";

/** As the source lists them: a kind that is added without words does not compile, one without a test fails here. */
const KINDS = [
  ...readFileSync(new URL("../src/failures.ts", import.meta.url), "utf8").matchAll(/^ {2}\| "([\w-]+)"/gm),
].map(([, kind]) => kind as FailureKind);

test("there are kinds to look at", () => {
  expect(KINDS.length).toBeGreaterThan(25);
});

test.each(KINDS)("%s is told in whole sentences", (kind) => {
  for (const facts of [{}, { status: 418, seconds: 5, said: "the picture is damaged" }]) {
    const { text } = wordsFor(new Failure(kind, facts));
    expect(text).toMatch(/^[A-Z].*(?:[.]|edgetrain\/detect\.|edgetrain web publish)$/);
    expect(text).not.toMatch(/undefined|null|NaN|\[object/);
  }
});

test("no two are told alike", () => {
  expect(new Set(KINDS.map((kind) => wordsFor(new Failure(kind)).text)).size).toBe(KINDS.length);
});

describe("answers of the API", () => {
  const told = (status: number, body: unknown, headers: Record<string, string> = {}) => {
    const failure = replyFailure(status, new Headers(headers), body);
    return { kind: failure.kind, ...wordsFor(failure) };
  };

  test.each([
    [400, "refused", "none"],
    [401, "session-over", "sign-in"],
    [403, "not-allowed", "none"],
    [404, "no-model", "none"],
    [413, "picture-too-large", "none"],
    [415, "refused", "none"],
    [429, "too-many", "retry"],
    [500, "unexpected", "retry"],
    [502, "busy", "retry"],
    [503, "busy", "retry"],
    [504, "slow", "retry"],
  ] as const)("%i is %s, remedy %s", (status, kind, remedy) => {
    expect(told(status, { message: "Nothing" })).toMatchObject({ kind, remedy });
  });

  test("our own sentence is shown as it is", () => {
    const body = {
      error: { code: "picture_damaged", message: "the picture is damaged: it cannot be decoded to its end" },
    };
    expect(told(400, body).text).toBe(
      "The service refused the picture: the picture is damaged: it cannot be decoded to its end.",
    );
  });

  test.each([
    ["5", "Try again in 5 seconds."],
    ["1", "Try again in a second."],
    ["0", "Try again in a moment."],
    ["Wed, 21 Oct 2026 07:28:00 GMT", "Try again in a moment."],
  ])("Retry-After: %s", (value, words) => {
    expect(told(503, null, { "retry-after": value }).text).toBe(`The service is busy. ${words}`);
  });

  test.each([null, "an error page", [], { error: null }, { error: "text" }, { message: 7 }])(
    "a body that is %j",
    (body) => {
      expect(told(400, body).text).toBe("The service refused the picture.");
    },
  );
});

describe("a network that fails", () => {
  test.each([
    [new TypeError("Failed to fetch"), true, "unreachable"],
    [new TypeError("Failed to fetch"), false, "offline"],
    [new DOMException("timed out", "TimeoutError"), true, "slow"],
  ])("%s, online: %s", (thrown, online, kind) => {
    expect(networkFailure(thrown, online).kind).toBe(kind);
  });
});

test.each([
  ["NotFoundError", "camera-none"],
  ["OverconstrainedError", "camera-none"],
  ["NotAllowedError", "camera-denied"],
  ["SecurityError", "camera-denied"],
  ["NotReadableError", "camera-in-use"],
  ["AbortError", "camera-in-use"],
  ["SomethingNewError", "camera-failed"],
])("a camera that throws %s", (name, kind) => {
  expect(cameraFailure(new DOMException("", name)).kind).toBe(kind);
});

test("whatever is thrown becomes a failure, and a failure stays what it is", () => {
  const failure = new Failure("busy");
  expect(failureOf(failure)).toBe(failure);
  expect(failureOf("text").kind).toBe("unexpected");
});
