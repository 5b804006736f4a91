/** The place See: camera or file -> picture -> service (and this device) -> boxes. Wires the parts; owns no element's look. */

import type { Answer, Api, Labels } from "./api";
import { Camera } from "./camera";
import { agreement } from "./detection/agreement";
import type { Detection } from "./detection/boxes";
import { canRun, Device } from "./device/device";
import type { Found } from "./device/messages";
import { latestModel } from "./device/store";
import { Failure, failureOf } from "./failures";
import { LOWEST_SCORE, PATIENCE_MILLISECONDS } from "./limits";
import { Controls } from "./page/controls";
import type { Notice } from "./page/notice";
import { Results } from "./page/results";
import { Stage } from "./page/stage";
import { scaledHint } from "./page/words";
import { base64Of, type Picture, pictureOfFile, pictureOfVideo } from "./picture";

const BEFORE = "Take or choose a picture.";

export class See {
  readonly #stage = new Stage((file) => void this.#read(() => pictureOfFile(file)));
  readonly #results = new Results(
    () => this.#draw(),
    (on) => void this.#switchDevice(on),
  );
  readonly #controls = new Controls({
    open: (id) => void this.#openCamera(id),
    close: () => this.#closeCamera(),
    take: () => void this.#read(() => pictureOfVideo(this.#stage.video)),
    file: (file) => void this.#read(() => pictureOfFile(file)),
  });
  readonly #camera = new Camera(this.#stage.video, () => {
    this.#closeCamera();
    this.#fail(new Failure("camera-lost"), () => void this.#openCamera(null));
  });

  #picture: Picture | null = null;
  #service: Answer | null = null;
  #found: Found | null = null;
  #device: Device | null = null;
  #labels: Labels | null = null;
  /** Each picture makes the answers to an earlier one void, */
  #turn = 0;
  /** and each turn of the switch what an earlier one started. */
  #switched = 0;

  constructor(
    private readonly task: string,
    private readonly api: Api,
    private readonly notice: Notice,
  ) {
    this.#results.clear(BEFORE);
  }

  async #openCamera(id: string | null): Promise<void> {
    this.notice.clear();
    try {
      if (await this.#camera.start(id)) {
        this.#forget();
        this.#stage.showCamera();
        this.#results.clear("Point the camera at something and take the picture.");
        this.#controls.cameraOn(await this.#camera.choices());
      }
    } catch (error) {
      this.#closeCamera();
      this.#fail(error, () => void this.#openCamera(id));
    }
  }

  #closeCamera(): void {
    this.#camera.stop();
    this.#controls.cameraOff();
    this.#forget();
    this.#stage.showNothing();
    this.#results.clear(BEFORE);
  }

  /** A picture from `source` becomes the one that is looked at. */
  async #read(source: () => Promise<Picture>): Promise<void> {
    this.notice.clear();
    this.#forget();
    this.#results.clear("Reading the picture...");
    const turn = this.#turn;
    try {
      const picture = await source();
      if (turn !== this.#turn) {
        return;
      }
      this.#camera.stop();
      this.#controls.cameraOff();
      await this.#stage.showPicture(picture);
      this.#picture = picture;
      this.#controls.hint = scaledHint(picture);
    } catch (error) {
      if (turn === this.#turn) {
        this.#closeCamera();
        this.#fail(error);
      }
      return;
    }
    await this.#look();
  }

  /** This device first, then the service: at the same time each would slow the other down, and the times would tell nothing. */
  async #look(): Promise<void> {
    const picture = this.#picture;
    if (picture === null) {
      return;
    }
    this.#turn += 1;
    const turn = this.#turn;
    const current = () => turn === this.#turn;
    this.#service = null;
    this.#found = null;
    this.#results.clear("Looking...");
    this.#stage.busy = true;
    const patience = setTimeout(() => {
      if (current() && this.#found === null) {
        this.#results.tell("Looking... The service was asleep, it seems: it may need half a minute.");
      }
    }, PATIENCE_MILLISECONDS);
    await this.#askDevice(picture, current);
    await this.#askService(picture, current);
    clearTimeout(patience);
    if (current()) {
      this.#stage.busy = false;
    }
  }

  async #askDevice({ blob }: Picture, current: () => boolean): Promise<void> {
    if (this.#device === null) {
      return;
    }
    try {
      const found = await this.#device.detect(blob, LOWEST_SCORE);
      if (current()) {
        this.#found = found;
        this.#draw();
      }
    } catch (error) {
      this.#fail(error, () => void this.#look());
    }
  }

  async #askService({ blob, name }: Picture, current: () => boolean): Promise<void> {
    try {
      const file = await base64Of(blob);
      const labels = this.#labels ?? this.api.labels(this.task);
      const [answer, known] = await Promise.all([this.api.detect(this.task, name, file), labels]);
      const another = answer.version !== null && answer.version !== known.version;
      this.#labels = another ? await this.api.labels(this.task) : known;
      if (current()) {
        this.#service = answer;
        this.#draw();
      }
    } catch (error) {
      if (current()) {
        this.#fail(error, () => void this.#look());
        if (this.#found === null) {
          this.#results.clear("The picture has not been looked at.");
        }
      }
    }
  }

  async #switchDevice(on: boolean): Promise<void> {
    this.#switched += 1;
    this.notice.clear();
    this.#device?.stop();
    this.#device = null;
    this.#found = null;
    this.#results.tellDevice("");
    if (on) {
      await this.#startDevice(this.#switched);
    } else {
      this.#results.source = "service";
      this.#draw();
    }
  }

  async #startDevice(turn: number): Promise<void> {
    const current = () => turn === this.#switched;
    try {
      if (!canRun()) {
        throw new Failure("no-wasm");
      }
      this.#results.tellDevice("Fetching the model...", "unknown");
      const model = await latestModel(this.api, this.task, (share) => {
        if (current()) {
          this.#results.tellDevice("Fetching the model...", share);
        }
      });
      if (!current()) {
        return;
      }
      this.#results.tellDevice("Starting the model...", "unknown");
      const device = await Device.start(model);
      if (!current()) {
        device.stop();
        return;
      }
      this.#device = device;
      this.#results.tellDevice(`Version ${model.version} of the model runs on this device.`);
    } catch (error) {
      if (current()) {
        this.#results.onDevice = false;
        this.#results.tellDevice("");
        this.#fail(error, () => {
          this.#results.onDevice = true;
          void this.#switchDevice(true);
        });
      }
      return;
    }
    await this.#look();
  }

  #draw(): void {
    const device = this.#found?.detections ?? null;
    const service = this.#service?.detections ?? null;
    const both = device !== null && service !== null;
    const ours = service === null || (both && this.#results.source === "device");
    const chosen = ours ? device : service;
    if (chosen === null) {
      return;
    }
    const labels = (ours ? this.#device?.spec.labels : this.#labels?.names) ?? [];
    const shown = this.#above(chosen);
    this.#stage.draw(shown, labels);
    this.#results.list(shown, chosen.length - shown.length, labels);
    this.#results.tellTimes({
      service: this.#service?.milliseconds ?? null,
      device: this.#found?.milliseconds ?? null,
    });
    this.#results.compare(both ? agreement(this.#above(service), this.#above(device)) : null, {
      service: this.#service?.version ?? null,
      device: this.#device === null ? null : String(this.#device.version),
    });
  }

  #above(detections: readonly Detection[]): readonly Detection[] {
    return detections.filter(({ score }) => score >= this.#results.minScore);
  }

  /** The picture of before, and whatever is still said about it. */
  #forget(): void {
    this.#turn += 1;
    this.#picture = null;
    this.#service = null;
    this.#found = null;
    this.#stage.busy = false;
    this.#controls.hint = null;
  }

  #fail(error: unknown, again: (() => void) | null = null): void {
    const failure: Failure = failureOf(error);
    this.#stage.busy = false;
    this.notice.show(failure, again);
  }
}
