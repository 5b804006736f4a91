/** The stage: nothing yet, what the camera sees, or the picture with its boxes. */

import type { Detection } from "../detection/boxes";
import type { Picture } from "../picture";
import { block, element } from "./elements";
import { placeLabels } from "./labels";
import { nameOf, percent } from "./words";

/** Bright enough for dark letters, and apart for eyes that see red and green alike. */
const COLOURS = ["#ffd23f", "#5cc8ff", "#ff9bb3", "#7be0a8", "#d7b3ff", "#ffb066", "#9fe3e6", "#e4e98a"];

export function colourOf(label: number): string {
  return COLOURS[label % COLOURS.length] ?? "#ffd23f";
}

export class Stage {
  readonly video = element("video", HTMLVideoElement);
  readonly #frame = block("frame");
  readonly #empty = block("empty");
  readonly #image = element("picture", HTMLImageElement);
  readonly #boxes = block("boxes");
  #shown: readonly Detection[] = [];
  #address: string | null = null;

  constructor(dropped: (file: File) => void) {
    new ResizeObserver(() => this.#placeNames()).observe(this.#frame);
    this.video.addEventListener("resize", () => this.#shape(this.video.videoWidth, this.video.videoHeight));
    this.#frame.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.#frame.dataset["drop"] = "";
    });
    this.#frame.addEventListener("dragleave", () => delete this.#frame.dataset["drop"]);
    this.#frame.addEventListener("drop", (event) => {
      event.preventDefault();
      delete this.#frame.dataset["drop"];
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) {
        dropped(file);
      }
    });
  }

  showNothing(): void {
    this.#show("nothing");
  }

  showCamera(): void {
    this.#show("camera");
    this.#shape(this.video.videoWidth, this.video.videoHeight);
  }

  /** Resolves when the picture can be seen. */
  async showPicture(picture: Picture): Promise<void> {
    const earlier = this.#address;
    this.#address = URL.createObjectURL(picture.blob);
    this.#image.src = this.#address;
    this.#image.alt = `Your picture: ${picture.name}`;
    await this.#image.decode();
    if (earlier !== null) {
      URL.revokeObjectURL(earlier);
    }
    this.#show("picture");
    this.#shape(picture.width, picture.height);
  }

  set busy(busy: boolean) {
    if (busy) {
      this.#frame.dataset["busy"] = "";
    } else {
      delete this.#frame.dataset["busy"];
    }
  }

  /** Draws boxes over the picture, best first. They scale with it by themselves; only the names are placed again. */
  draw(shown: readonly Detection[], labels: readonly string[]): void {
    this.#shown = shown;
    const boxes = shown.map((detection) => {
      const box = part("box", detection.label);
      box.style.left = `${detection.xmin * 100}%`;
      box.style.top = `${detection.ymin * 100}%`;
      box.style.width = `${(detection.xmax - detection.xmin) * 100}%`;
      box.style.height = `${(detection.ymax - detection.ymin) * 100}%`;
      return box;
    });
    const names = shown.map((detection) => {
      const name = part("name", detection.label);
      name.textContent = `${nameOf(detection.label, labels)} ${percent(detection.score)}`;
      return name;
    });
    // The best on top of the others.
    this.#boxes.replaceChildren(...boxes.reverse(), ...names);
    this.#placeNames();
  }

  #placeNames(): void {
    const names = [...this.#boxes.querySelectorAll<HTMLElement>(".name")];
    const sizes = names.map((name) => ({ width: name.offsetWidth, height: name.offsetHeight }));
    const stage = { width: this.#boxes.clientWidth, height: this.#boxes.clientHeight };
    const points = placeLabels(this.#shown, sizes, stage);
    for (const [index, name] of names.entries()) {
      name.style.left = `${points[index]?.left ?? 0}px`;
      name.style.top = `${points[index]?.top ?? 0}px`;
    }
  }

  #show(what: "nothing" | "camera" | "picture"): void {
    this.#frame.dataset["shows"] = what;
    this.#empty.hidden = what !== "nothing";
    this.video.hidden = what !== "camera";
    this.#image.hidden = what !== "picture";
    this.#boxes.replaceChildren();
    this.#shown = [];
  }

  #shape(width: number, height: number): void {
    if (width > 0 && height > 0) {
      this.#frame.style.setProperty("--ratio", String(width / height));
    }
  }
}

function part(kind: "box" | "name", label: number): HTMLElement {
  const made = document.createElement("div");
  made.className = kind;
  made.style.setProperty("--box", colourOf(label));
  return made;
}
