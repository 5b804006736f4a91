/** The model under LiteRT.js: from a JPEG to detections, in the steps of `edgetrain/runtime/detector.py`. */

import { type CompiledModel, loadAndCompile, loadLiteRt, supportsFeature, Tensor } from "@litertjs/core";
import compatGlue from "@litertjs/core/wasm/litert_wasm_compat_internal.js?url";
import compatWasm from "@litertjs/core/wasm/litert_wasm_compat_internal.wasm?url";
import glue from "@litertjs/core/wasm/litert_wasm_internal.js?url";
import wasm from "@litertjs/core/wasm/litert_wasm_internal.wasm?url";

import { ssdAnchors } from "../detection/anchors";
import { detectionsOf } from "../detection/decoding";
import { type Pixels, resize } from "../detection/resize";
import type { DetectorSpec } from "../detection/spec";
import type { Found } from "./messages";

/** LiteRT's WebAssembly did not start: not loaded, or no memory for it. */
export class RuntimeFailed extends Error {}

/** Emscripten's hooks: where the glue looks for its `.wasm`, and what becomes of stderr's lines. */
declare global {
  var Module: { locateFile: (name: string) => string; printErr: (line: string) => void } | undefined;
}

/** How LiteRT's lines begin that tell of nothing wrong. */
const CHATTER = /^(INFO|WARNING|VERBOSE):/;

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
      throw new RuntimeFailed(String(error), { cause: error });
    }
    const { height, width } = spec.input;
    const compiled = await loadAndCompile(model, { accelerator: "wasm" });
    const runner = new Runner(compiled, spec, ssdAnchors(spec.decoder.anchors, height, width));
    const grey = new Uint8ClampedArray(height * width * 3).fill(127);
    await runner.#run({ values: grey, height, width, channels: 3 }, 1);
    return runner;
  }

  async detect(picture: Blob, minScore: number): Promise<Found> {
    const started = performance.now();
    const { height, width } = this.spec.input;
    const detections = await this.#run(resize(await pixelsOf(picture), height, width), minScore);
    return { detections, milliseconds: performance.now() - started };
  }

  /** What the model sees: each pixel value by the spec's line, rounded to float32 once, as NumPy does it. */
  #input(pixels: Uint8ClampedArray): Float32Array {
    const { scale, offset } = this.spec.input;
    const levels = Float32Array.from({ length: 256 }, (_, level) => level * scale + offset);
    const values = new Float32Array(pixels.length);
    for (let index = 0; index < pixels.length; index++) {
      values[index] = levels[pixels[index] as number] as number;
    }
    return values;
  }

  close(): void {
    this.model.delete();
  }

  /** `picture` has the input's size. Every tensor is freed: wasm's memory has no collector. */
  async #run({ values, height, width }: Pixels, minScore: number) {
    const input = new Tensor(this.#input(values), [1, height, width, 3]);
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

/** On the CPU alone: its numbers are the service's. */
async function startRuntime(): Promise<void> {
  const relaxed = await supportsFeature("relaxedSimd");
  const binary = new URL(relaxed ? wasm : compatWasm, self.location.href).href;
  self.Module = {
    locateFile: (name) => (name.endsWith(".wasm") ? binary : name),
    printErr: (line) => {
      if (!CHATTER.test(line)) {
        // biome-ignore lint/suspicious/noConsole: an error of the runtime's, which nothing else would tell
        console.error(line);
      }
    },
  };
  await withoutGraphics(async () => {
    await loadLiteRt(new URL(relaxed ? glue : compatGlue, self.location.href).href);
  });
}

/** LiteRT.js wakes the strongest graphics device at its start, asked or not, and warns where there is none. Here it sees none. */
async function withoutGraphics(start: () => Promise<void>): Promise<void> {
  const { warn } = console;
  Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  console.warn = () => undefined;
  try {
    await start();
  } finally {
    console.warn = warn;
  }
}

/** What the service decodes, too: the same JPEG. */
async function pixelsOf(picture: Blob): Promise<Pixels> {
  const bitmap = await createImageBitmap(picture);
  try {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) {
      throw new Error("no canvas for the picture");
    }
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { values: data, width, height, channels: 4 };
  } finally {
    bitmap.close();
  }
}
