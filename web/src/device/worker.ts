/** Runs the model beside the page, which never waits for it.
 *
 * A classic worker, not a module: LiteRT.js loads its WebAssembly glue by `importScripts`, which modules do not have.
 */

import type { Reply, Request } from "./messages";
import { Runner, RuntimeFailed } from "./runner";

let runner: Runner | null = null;

self.addEventListener("message", (event: MessageEvent<Request>) => {
  void answer(event.data).then((reply) => {
    self.postMessage(reply);
  });
});

async function answer(request: Request): Promise<Reply> {
  const { id } = request;
  try {
    if (request.do === "load") {
      runner?.close();
      runner = await Runner.start(new Uint8Array(request.model), request.spec);
      return { id, kind: "loaded" };
    }
    if (runner === null) {
      throw new Error("no model was loaded");
    }
    return { id, kind: "found", found: await runner.detect(request.picture, request.minScore) };
  } catch (error) {
    const why =
      error instanceof RuntimeFailed ? "runtime-failed" : request.do === "load" ? "model-unknown" : "device-failed";
    return { id, kind: "failed", why, said: String(error) };
  }
}
