/** The buttons below the stage. */

import type { CameraChoice } from "../camera";
import { block, button, element, input } from "./elements";

export interface Actions {
  /** Null: whichever camera looks away from the person. */
  open(camera: string | null): void;
  close(): void;
  take(): void;
  file(file: File): void;
}

export class Controls {
  readonly #open = button("camera");
  readonly #take = button("take");
  readonly #close = button("camera-off");
  readonly #choose = block("choose");
  readonly #cameras = element("cameras", HTMLSelectElement);
  readonly #camerasRow = block("cameras-row");
  readonly #hint = block("hint");

  constructor(actions: Actions) {
    this.#open.addEventListener("click", () => actions.open(null));
    this.#take.addEventListener("click", () => actions.take());
    this.#close.addEventListener("click", () => actions.close());
    this.#cameras.addEventListener("change", () => actions.open(this.#cameras.value));
    const file = input("file");
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      if (chosen !== undefined) {
        actions.file(chosen);
      }
      file.value = ""; // so that choosing the same file once more is a change
    });
  }

  cameraOn({ all, current }: { readonly all: readonly CameraChoice[]; readonly current: string | null }): void {
    const focused = document.activeElement === this.#open;
    this.#cameras.replaceChildren(...all.map(({ id, name }) => new Option(name, id, id === current, id === current)));
    this.#show(true);
    this.#camerasRow.hidden = all.length < 2;
    if (focused || document.activeElement === document.body) {
      this.#take.focus();
    }
  }

  cameraOff(): void {
    const active = document.activeElement;
    const lost = active === this.#take || active === this.#close || active === this.#cameras;
    this.#show(false);
    this.#camerasRow.hidden = true;
    if (lost) {
      this.#open.focus();
    }
  }

  /** What else there is to say about the picture. */
  set hint(text: string | null) {
    this.#hint.hidden = text === null;
    this.#hint.textContent = text;
  }

  #show(on: boolean): void {
    this.#open.hidden = on;
    this.#choose.hidden = on;
    this.#take.hidden = !on;
    this.#close.hidden = !on;
  }
}
