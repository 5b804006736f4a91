/** The page's side of the worker: one model, one question at a time. */

import type { DetectorSpec } from "../detection/spec";
import { Failure } from "../failures";
import type { Found, Reply, Request } from "./messages";
import type { StoredModel } from "./store";

type Waiting = { readonly resolve: (reply: Reply) => void; readonly reject: (failure: Failure) => void };
/** A request without the number that `#ask` gives it. */
type Question<R = Request> = R extends Request ? Omit<R, "id"> : never;

/** The smallest module with a vector instruction in it: LiteRT's are full of them. */
const SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Whether this browser has what a model needs. */
export function canRun(): boolean {
  return typeof WebAssembly === "object" && typeof OffscreenCanvas === "function" && WebAssembly.validate(SIMD);
}

export class Device {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor(
    readonly version: number,
    readonly spec: DetectorSpec,
  ) {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { name: "model" });
    this.#worker.addEventListener("message", (event: MessageEvent<Reply>) => {
      const waiting = this.#waiting.get(event.data.id);
      this.#waiting.delete(event.data.id);
      waiting?.resolve(event.data);
    });
    this.#worker.addEventListener("error", (event) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Failure("device-failed", { said: event.message }));
      }
      this.#waiting.clear();
    });
  }

  /** A worker with the model in it. Throws `Failure`. */
  static async start({ version, model, spec }: StoredModel): Promise<Device> {
    const device = new Device(version, spec);
    try {
      await device.#ask({ do: "load", model, spec }, [model]);
    } catch (error) {
      device.stop();
      throw error;
    }
    return device;
  }

  async detect(picture: Blob, minScore: number): Promise<Found> {
    const reply = await this.#ask({ do: "detect", picture, minScore });
    if (reply.kind !== "found") {
      throw new Failure("device-failed", { said: reply.kind });
    }
    return reply.found;
  }

  stop(): void {
    this.#worker.terminate();
  }

  async #ask(question: Question, moved: Transferable[] = []): Promise<Reply> {
    this.#last += 1;
    const id = this.#last;
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...question, id }, moved);
    });
    if (reply.kind === "failed") {
      throw new Failure(reply.why, { said: reply.said });
    }
    return reply;
  }
}
