/** The model under LiteRT.js: from a JPEG to detections, in the steps of `edgetrain/runtime/detector.py`. */

import { type CompiledModel, loadAndCompile, loadLiteRt, supportsFeature, Tensor } from "@litertjs/core";
import compatGlue from "@litertjs/core/wasm/litert_wasm_compat_internal.js?url";
import compatWasm from "@litertjs/core/wasm/litert_wasm_compat_internal.wasm?url";
import glue from "@litertjs/core/wasm/litert_wasm_internal.js?url";
import wasm from "@litertjs/core/wasm/litert_wasm_internal.wasm?url";

import { ssdAnchors } from "../detection/anchors";
import { detectionsOf } from "../detection/decoding";
import { type Rgb, resize, withoutAlpha } from "../detection/resize";
import type { DetectorSpec } from "../detection/spec";
import type { Found } from "./messages";

/** This browser cannot run LiteRT's WebAssembly. */
export class RuntimeMissing extends Error {}

/** Emscripten's hook: where the glue looks for its `.wasm`. */
declare global {
  var Module: { locateFile: (name: string) => string } | undefined;
}

let runtime: Promise<unknown> | null = null;

export class Runner {
  private constructor(
    private readonly model: CompiledModel,
    private readonly spec: DetectorSpec,
    private readonly anchors: Float64Array,
  ) {}

  /** Loads the runtime (once) and the model, and runs it once on a grey picture: the first run is slow. */
  static async start(model: Uint8Array, spec: DetectorSpec): Promise<Runner> {
    runtime ??= startRuntime();
    try {
      await runtime;
    } catch (error) {
      runtime = null;
      throw new RuntimeMissing(String(error), { cause: error });
    }
    const { height, width } = spec.input;
    const compiled = await loadAndCompile(model, { accelerator: "wasm" });
    const runner = new Runner(compiled, spec, ssdAnchors(spec.decoder.anchors, height, width));
    await runner.#run({ pixels: new Uint8ClampedArray(height * width * 3).fill(127), height, width }, 1);
    return runner;
  }

  async detect(picture: Blob, minScore: number): Promise<Found> {
    const started = performance.now();
    const { height, width } = this.spec.input;
    const detections = await this.#run(resize(await pixelsOf(picture), height, width), minScore);
    return { detections, milliseconds: performance.now() - started };
  }

  close(): void {
    this.model.delete();
  }

  /** `picture` has the input's size. Every tensor is freed: wasm's memory has no collector. */
  async #run({ pixels, height, width }: Rgb, minScore: number) {
    const { scale, offset } = this.spec.input;
    const input = new Tensor(
      Float32Array.from(pixels, (value) => value * scale + offset),
      [1, height, width, 3],
    );
    const names = this.model.getOutputDetails().map((output) => output.name);
    let outputs: Tensor[] = [];
    try {
      outputs = await this.model.run([input]);
      const named = (name: string): Float32Array => valuesOf(outputs[names.indexOf(name)], name);
      const { boxes, logits } = this.spec.decoder;
      return detectionsOf({ boxes: named(boxes), logits: named(logits) }, this.anchors, this.spec, { minScore });
    } finally {
      input.delete();
      for (const output of outputs) {
        output.delete();
      }
    }
  }
}

function valuesOf(output: Tensor | undefined, name: string): Float32Array {
  const values = output?.toTypedArray();
  if (!(values instanceof Float32Array)) {
    throw new Error(`the model has no output ${name} of float32`);
  }
  return values;
}

async function startRuntime(): Promise<void> {
  const relaxed = await supportsFeature("relaxedSimd");
  const binary = new URL(relaxed ? wasm : compatWasm, self.location.href).href;
  self.Module = { locateFile: (name) => (name.endsWith(".wasm") ? binary : name) };
  await loadLiteRt(new URL(relaxed ? glue : compatGlue, self.location.href).href);
}

/** What the service decodes, too: the same JPEG. */
async function pixelsOf(picture: Blob): Promise<Rgb> {
  const bitmap = await createImageBitmap(picture);
  try {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) {
      throw new Error("no canvas for the picture");
    }
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return withoutAlpha(data, width, height);
  } finally {
    bitmap.close();
  }
}
