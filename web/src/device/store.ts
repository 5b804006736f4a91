/** The published model on this device: fetched once, checked by SHA-256, kept in the browser's Cache Storage. */

import type { Api, ModelFile } from "../api";
import { type DetectorSpec, parseSpec } from "../detection/spec";
import { Failure } from "../failures";

const CACHE = "edgetrain-models";
const MODEL = "model.tflite";
const SPEC = "detector.json";

export interface StoredModel {
  readonly version: number;
  readonly model: ArrayBuffer;
  readonly spec: DetectorSpec;
}

/** Called with shares (0..1) of what is to be downloaded. */
export type Progress = (share: number) => void;

/** The latest version of a task's model, from this device where it is here already. Throws `Failure`. */
export async function latestModel(api: Api, task: string, progress: Progress): Promise<StoredModel> {
  const version = await api.latestVersion(task);
  const files = await api.modelFiles(task, version);
  const of = (name: string): ModelFile => {
    const file = files.find((candidate) => candidate.name === name);
    if (file === undefined) {
      throw new Failure("model-unknown", { said: `version ${version} has no ${name}` });
    }
    return file;
  };
  const spec = await bytesOf(of(SPEC), () => undefined);
  const model = await bytesOf(of(MODEL), progress);
  await forgetOthers([of(SPEC), of(MODEL)]);
  return { version, model: model.buffer, spec: understood(spec) };
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A file's bytes, checked each time: what lies in a cache may have been altered too. */
async function bytesOf(file: ModelFile, progress: Progress): Promise<Uint8Array<ArrayBuffer>> {
  const cache = await openCache();
  const kept = await cache?.match(keyOf(file));
  if (kept !== undefined) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if ((await sha256(bytes)) === file.sha256) {
      return bytes;
    }
    await cache?.delete(keyOf(file));
  }
  const bytes = await download(file, progress);
  if ((await sha256(bytes)) !== file.sha256) {
    throw new Failure("model-altered", { said: file.name });
  }
  try {
    await cache?.put(keyOf(file), new Response(bytes));
  } catch (error) {
    // No room on this device: the model is used all the same, and fetched again next time.
    if (!(error instanceof DOMException)) {
      throw error;
    }
  }
  return bytes;
}

/** Null where the browser keeps nothing for this page (private windows of some): the model is fetched each time. */
async function openCache(): Promise<Cache | null> {
  try {
    return await caches.open(CACHE);
  } catch (error) {
    if (error instanceof DOMException) {
      return null;
    }
    throw error;
  }
}

async function download(file: ModelFile, progress: Progress): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const reply = await fetch(file.url);
    if (!reply.ok || reply.body === null) {
      throw new Failure("model-download", { status: reply.status });
    }
    const bytes = new Uint8Array(file.size);
    let done = 0;
    for (const reader = reply.body.getReader(); ; ) {
      const part = await reader.read();
      if (part.done) {
        break;
      }
      if (done + part.value.length > file.size) {
        await reader.cancel();
        throw new Failure("model-altered", { said: `${file.name} has more than ${file.size} bytes` });
      }
      bytes.set(part.value, done);
      done += part.value.length;
      progress(done / file.size);
    }
    return bytes.subarray(0, done);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure("model-download", { cause: error });
  }
}

/** Versions that are no longer the latest make room. */
async function forgetOthers(files: readonly ModelFile[]): Promise<void> {
  const cache = await openCache();
  for (const request of (await cache?.keys()) ?? []) {
    if (!files.some((file) => request.url.endsWith(`/${file.sha256}`))) {
      await cache?.delete(request);
    }
  }
}

/** Cache Storage's keys are addresses; nothing is ever fetched from this one. */
function keyOf(file: ModelFile): string {
  return `./model-cache/${file.sha256}`;
}

function understood(bytes: Uint8Array): DetectorSpec {
  try {
    return parseSpec(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new Failure("model-unknown", { cause: error });
  }
}
