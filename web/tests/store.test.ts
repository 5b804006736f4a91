/** The model on this device: fetched once, checked each time. */

import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Api } from "../src/api";
import { canRun } from "../src/device/device";
import { latestModel, sha256 } from "../src/device/store";
import { Failure } from "../src/failures";
import { cases } from "./golden";

const SPEC = Buffer.from(JSON.stringify(cases<{ spec: object }>("detections")[0]?.spec));
const MODEL = Buffer.from("a model, or so it is told");
const AT = "https://s3.example/";

/** Cache Storage with a single cache: addresses and bodies. */
class MemoryCache {
  readonly kept = new Map<string, Buffer>();
  full = false;
  shut = false;

  open = async () => {
    if (this.shut) {
      throw new DOMException("", "SecurityError");
    }
    return this;
  };
  match = async (key: string) => {
    const bytes = this.kept.get(key);
    return bytes === undefined ? undefined : new Response(new Uint8Array(bytes));
  };
  put = async (key: string, reply: Response) => {
    if (this.full) {
      throw new DOMException("", "QuotaExceededError");
    }
    this.kept.set(key, Buffer.from(await reply.arrayBuffer()));
  };
  delete = async (key: string | { url: string }) => this.kept.delete(typeof key === "string" ? key : key.url);
  keys = async () => [...this.kept.keys()].map((url) => ({ url }));
}

let cache: MemoryCache;
let stored: Map<string, Buffer>;
let fetched: string[];
let published: Record<string, Buffer>;

beforeEach(() => {
  cache = new MemoryCache();
  fetched = [];
  published = { "model.tflite": MODEL, "detector.json": SPEC, LICENSE: Buffer.from("Apache-2.0") };
  stored = new Map(Object.entries(published));
  vi.stubGlobal("caches", cache);
  vi.stubGlobal("fetch", async (url: string) => {
    fetched.push(url);
    const body = stored.get(url.slice(AT.length));
    return body === undefined ? new Response("", { status: 403 }) : new Response(new Uint8Array(body));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

function api(): Api {
  const files = Object.entries(published).map(([name, bytes]) => ({
    name,
    url: AT + name,
    sha256: hash(bytes),
    size: bytes.length,
  }));
  return { latestVersion: async () => 3, modelFiles: async () => files } as unknown as Api;
}

async function kindOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: unknown) => (error instanceof Failure ? error.kind : String(error)),
  );
}

const load = (progress: (share: number) => void = () => undefined) => latestModel(api(), "objects", progress);

test("a model is fetched, with what it says of itself, and nothing else is", async () => {
  const shares: number[] = [];
  const { version, model, spec } = await load((share) => void shares.push(share));
  expect(version).toBe(3);
  expect(Buffer.from(model)).toEqual(MODEL);
  expect(spec.labels).toEqual(["one", "two"]);
  expect(fetched.sort()).toEqual([`${AT}detector.json`, `${AT}model.tflite`]);
  expect(shares.at(-1)).toBe(1);
});

test("the second time it is there, and an older version makes room", async () => {
  cache.kept.set("./model-cache/older", Buffer.from("older"));
  await load();
  fetched = [];
  expect(Buffer.from((await load()).model)).toEqual(MODEL);
  expect(fetched).toEqual([]);
  expect([...cache.kept.keys()].sort()).toEqual([SPEC, MODEL].map((bytes) => `./model-cache/${hash(bytes)}`).sort());
});

test("what was altered on this device is fetched again", async () => {
  await load();
  cache.kept.set(`./model-cache/${hash(MODEL)}`, Buffer.from("another model, or so it is"));
  expect(Buffer.from((await load()).model)).toEqual(MODEL);
});

test.each([
  ["other bytes", Buffer.from("another model, not that one".slice(0, MODEL.length)), "model-altered"],
  ["too few", MODEL.subarray(1), "model-altered"],
  ["too many", Buffer.concat([MODEL, MODEL]), "model-altered"],
])("%s than the published ones are thrown away", async (_, bytes, kind) => {
  stored.set("model.tflite", bytes);
  expect(await kindOf(load())).toBe(kind);
  expect(cache.kept.has(`./model-cache/${hash(MODEL)}`)).toBe(false);
});

test("an address that is no longer good", async () => {
  stored.delete("model.tflite");
  expect(await kindOf(load())).toBe("model-download");
});

test("a browser without room, or without a cache, uses the model all the same", async () => {
  cache.full = true;
  expect(Buffer.from((await load()).model)).toEqual(MODEL);
  cache.shut = true;
  expect(Buffer.from((await load()).model)).toEqual(MODEL);
});

test.each([
  ["is no detector", { "model.tflite": MODEL }],
  ["is newer than the page", { "model.tflite": MODEL, "detector.json": Buffer.from('{"format": 2}') }],
  ["says nothing", { "model.tflite": MODEL, "detector.json": Buffer.from("") }],
])("a version that %s", async (_, files) => {
  published = files as Record<string, Buffer>;
  stored = new Map(Object.entries(published));
  expect(await kindOf(load())).toBe("model-unknown");
});

test("a SHA-256 in hexadecimal digits", async () => {
  expect(await sha256(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test("only a browser with a canvas for workers and WebAssembly's vectors runs models", () => {
  expect(canRun()).toBe(false); // Node has no canvas
  vi.stubGlobal("OffscreenCanvas", class {});
  expect(canRun()).toBe(true);
  vi.stubGlobal("WebAssembly", { validate: () => false });
  expect(canRun()).toBe(false);
});
