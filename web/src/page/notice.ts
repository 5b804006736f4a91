/** The message on top of the page: what went wrong, and what can be done about it. */

import { type Failure, wordsFor } from "../failures";
import { block, button } from "./elements";

export class Notice {
  readonly #box = block("notice");
  readonly #text = block("notice-text");
  readonly #retry = button("notice-retry");
  readonly #signIn = button("notice-sign-in");
  #again: (() => void) | null = null;

  constructor(signIn: () => void) {
    this.#signIn.addEventListener("click", signIn);
    this.#retry.addEventListener("click", () => {
      const again = this.#again;
      this.clear();
      again?.();
    });
    button("notice-close").addEventListener("click", () => this.clear());
  }

  /** `again` is what `Try again` does, where trying again may help. */
  show(failure: Failure, again: (() => void) | null = null): void {
    const { text, remedy } = wordsFor(failure);
    this.#again = again;
    this.#retry.hidden = remedy !== "retry" || again === null;
    this.#signIn.hidden = remedy !== "sign-in";
    this.#text.textContent = text;
    this.#box.dataset["kind"] = failure.kind;
    this.#box.hidden = false;
  }

  clear(): void {
    this.#box.hidden = true;
    this.#text.textContent = "";
    this.#again = null;
  }
}
