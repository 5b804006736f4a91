/** Requests as the API wants them, answers as it gives them; settings, base64, and the limits that both sides share. */

import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { Api, parseDetections } from "../src/api";
import { toBase64, toBase64Url } from "../src/base64";
import { parseConfig, readConfig } from "../src/config";
import { Failure } from "../src/failures";
import * as limits from "../src/limits";

const CONFIG = {
  apiUrl: "/api/",
  signIn: { url: "https://sign-in.example", clientId: "client", scopes: ["openid"] },
  tasks: ["objects"],
};

class Service {
  readonly asked: Request[] = [];
  answer: () => Response | Promise<Response> = () => Response.json({});
  forgotten = 0;
  readonly api = new Api(
    "https://page.example/api",
    {
      accessToken: async () => "token",
      forget: () => {
        this.forgotten += 1;
      },
    },
    async (input, init) => {
      this.asked.push(new Request(input, init));
      return this.answer();
    },
    () => true,
  );
}

let service: Service;

beforeEach(() => {
  service = new Service();
});

async function kindOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: unknown) => (error instanceof Failure ? error.kind : String(error)),
  );
}

test("a picture is sent as JSON with a bearer token", async () => {
  service.answer = () =>
    Response.json([{ prediction: [[3, 0.9, 0.1, 0.2, 0.3, 0.4]] }], { headers: { "x-model-version": "7" } });
  const answer = await service.api.detect("objects", `${"x".repeat(300)}.jpg`, "QUJD");
  const [request] = service.asked;
  expect(request?.method).toBe("POST");
  expect(request?.url).toBe("https://page.example/api/detections?task=objects&min_score=0.2&max_detections=100");
  expect(request?.headers.get("authorization")).toBe("Bearer token");
  expect(request?.headers.get("content-type")).toBe("application/json");
  expect(await request?.json()).toEqual({ name: "x".repeat(255), file: "QUJD" });
  expect(answer.detections).toEqual([{ label: 3, score: 0.9, xmin: 0.1, ymin: 0.2, xmax: 0.3, ymax: 0.4 }]);
  expect(answer.version).toBe("7");
});

test("labels, the latest version and its files", async () => {
  service.answer = () => Response.json({ task: "objects", version: 1, labels: ["Person", "Cat"] });
  expect(await service.api.labels("objects")).toEqual({ version: "1", names: ["Person", "Cat"] });
  expect(await service.api.latestVersion("objects")).toBe(1);
  const file = { name: "model.tflite", url: "https://s3.example/x", sha256: "00", size: 3 };
  service.answer = () => Response.json({ task: "objects", version: 1, expires_at: "soon", files: [file] });
  expect(await service.api.modelFiles("objects", 1)).toEqual([file]);
  expect(service.asked.map(({ url }) => new URL(url).pathname)).toEqual([
    "/api/labels/objects",
    "/api/models/objects/latest",
    "/api/models/objects/1/download",
  ]);
});

test("a token that is not taken is forgotten", async () => {
  service.answer = () => Response.json({ message: "Unauthorized" }, { status: 401 });
  expect(await kindOf(service.api.labels("objects"))).toBe("session-over");
  expect(service.forgotten).toBe(1);
});

test.each([
  ["an error page", () => new Response("<html>", { status: 503 }), "busy"],
  ["something else than expected", () => Response.json({ labels: "Person" }), "unexpected"],
  ["nothing", () => Promise.reject(new TypeError("Failed to fetch")), "unreachable"],
  ["too late", () => Promise.reject(new DOMException("", "TimeoutError")), "slow"],
])("%s in place of an answer", async (_, answer, kind) => {
  service.answer = answer;
  expect(await kindOf(service.api.labels("objects"))).toBe(kind);
});

test.each([
  [null],
  [[]],
  [[{}]],
  [[{ prediction: [[1, 0.5, 0, 0, 1]] }]],
  [[{ prediction: [["1", 0.5, 0, 0, 1, 1]] }]],
])("an answer that is %j is refused", (body) => {
  expect(() => parseDetections(body)).toThrow();
});

test("config.json as it is published", () => {
  expect(parseConfig(CONFIG)).toEqual({ ...CONFIG, apiUrl: "/api" });
});

test.each([
  ["apiUrl is not a text", { ...CONFIG, apiUrl: 1 }],
  ["signIn is not an object", { ...CONFIG, signIn: null }],
  ["signIn.clientId is not a text", { ...CONFIG, signIn: { ...CONFIG.signIn, clientId: "" } }],
  ["tasks is empty", { ...CONFIG, tasks: [] }],
])("a config.json in which %s", (words, config) => {
  expect(() => parseConfig(config)).toThrow(words);
});

test.each([
  ["there", () => Response.json(CONFIG), "none"],
  ["missing", () => new Response("", { status: 403 }), "config-missing"],
  ["not JSON", () => new Response("<html>"), "config-wrong"],
  ["out of reach", () => Promise.reject(new TypeError("Failed to fetch")), "unreachable"],
])("a config.json that is %s", async (_, answer, kind) => {
  expect(await kindOf(readConfig(async () => answer()))).toBe(kind);
});

test("base64 of any length is Node's", () => {
  for (const length of [0, 1, 2, 3, 0x8000 - 1, 0x8000, 0x8000 * 3 + 2]) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 31) % 256);
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
  }
});

test("the limits are the service's", () => {
  const python = readFileSync(new URL("../../edgetrain/limits.py", import.meta.url), "utf8");
  const of = (name: string) =>
    Number(python.match(new RegExp(`^${name}: Final = ([\\d_]+)`, "m"))?.[1]?.replaceAll("_", ""));
  expect(limits.PICTURE_BYTES).toBe(of("PICTURE_BYTES"));
  expect(limits.PICTURE_SIDE).toBe(of("PICTURE_SIDE"));
  expect(limits.DETECTION_SIDE).toBe(of("DETECTION_SIDE"));
  expect(limits.MAX_DETECTIONS).toBe(of("MAX_DETECTIONS"));
  expect(limits.NAME_CHARACTERS).toBe(of("PICTURE_NAME_CHARACTERS"));
});
