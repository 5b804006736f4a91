/** What was found, in a list; the times; and the controls that choose what is shown. */

import type { Agreement } from "../detection/agreement";
import type { Detection } from "../detection/boxes";
import { block, element, input } from "./elements";
import { colourOf } from "./stage";
import { agreementWords, duration, nameOf, percent, summary, type Versions, whereabouts } from "./words";

export type Source = "service" | "device";

export interface Times {
  /** Milliseconds; null: not measured, or it failed. */
  readonly service: number | null;
  readonly device: number | null;
}

export class Results {
  readonly #status = block("status");
  readonly #found = block("found");
  readonly #sources = block("sources");
  readonly #times = block("times");
  readonly #agreement = block("agreement");
  readonly #minScore = input("min-score");
  readonly #minScoreValue = block("min-score-value");
  readonly #onDevice = input("on-device");
  readonly #deviceStatus = block("device-status");
  readonly #progress = element("model-progress", HTMLProgressElement);

  constructor(changed: () => void, switched: (on: boolean) => void) {
    this.#minScore.addEventListener("input", () => {
      this.#tellMinScore();
      changed();
    });
    this.#sources.addEventListener("change", changed);
    this.#onDevice.addEventListener("change", () => switched(this.#onDevice.checked));
    this.#tellMinScore();
  }

  /** 0..1. */
  get minScore(): number {
    return this.#minScore.valueAsNumber / 100;
  }

  get source(): Source {
    return this.#radio("device").checked ? "device" : "service";
  }

  set source(source: Source) {
    this.#radio(source).checked = true;
  }

  set onDevice(on: boolean) {
    this.#onDevice.checked = on;
  }

  tell(status: string): void {
    if (this.#status.textContent !== status) {
      this.#status.textContent = status;
    }
  }

  clear(status: string): void {
    this.tell(status);
    this.#found.replaceChildren();
    for (const part of [this.#found, this.#sources, this.#times, this.#agreement]) {
      part.hidden = true;
    }
  }

  list(shown: readonly Detection[], hidden: number, labels: readonly string[]): void {
    this.#found.replaceChildren(...shown.map((detection) => row(detection, labels)));
    this.#found.hidden = shown.length === 0;
    this.tell(summary(shown, hidden, labels));
  }

  tellTimes({ service, device }: Times): void {
    this.#times.hidden = service === null && device === null;
    block("time-service").textContent = service === null ? "-" : duration(service);
    block("time-device").textContent = device === null ? "-" : duration(device);
    block("time-device-row").hidden = device === null;
  }

  /** Null: there is only one who looked. `versions` are those of the model that the two ran. */
  compare(agreement: Agreement | null, versions: Versions): void {
    this.#sources.hidden = agreement === null;
    this.#agreement.hidden = agreement === null;
    this.#agreement.textContent = agreement === null ? "" : agreementWords(agreement, versions);
  }

  /** What this device does for the switch; `share` (0..1) is how far it is, "unknown" where nobody knows, null: it is done. */
  tellDevice(words: string, share: number | "unknown" | null = null): void {
    if (this.#deviceStatus.textContent !== words) {
      this.#deviceStatus.textContent = words;
    }
    this.#progress.hidden = share === null;
    if (typeof share === "number") {
      this.#progress.value = share * 100;
    } else {
      this.#progress.removeAttribute("value");
    }
  }

  #tellMinScore(): void {
    const words = percent(this.minScore);
    this.#minScoreValue.textContent = words;
    this.#minScore.setAttribute("aria-valuetext", words);
  }

  #radio(source: Source): HTMLInputElement {
    return element(`source-${source}`, HTMLInputElement);
  }
}

function row(detection: Detection, labels: readonly string[]): HTMLElement {
  const item = document.createElement("li");
  const swatch = span("swatch", "");
  swatch.style.setProperty("--box", colourOf(detection.label));
  swatch.setAttribute("aria-hidden", "true");
  item.append(
    swatch,
    span("what", nameOf(detection.label, labels)),
    " ",
    span("score", percent(detection.score)),
    " ",
    span("where", whereabouts(detection)),
  );
  return item;
}

function span(kind: string, text: string): HTMLElement {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = text;
  return made;
}
