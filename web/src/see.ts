/** The place See: camera or file -> picture -> service (and this device) -> boxes. Wires the parts; owns no element's look. */

import type { Answer, Api } from "./api";
import { Camera } from "./camera";
import { agreement } from "./detection/agreement";
import type { Detection } from "./detection/boxes";
import { Device } from "./device/device";
import type { Found } from "./device/messages";
import { latestModel } from "./device/store";
import { type Failure, failureOf } from "./failures";
import { LOWEST_SCORE } from "./limits";
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
  readonly #camera = new Camera(this.#stage.video);

  #picture: Picture | null = null;
  #service: Answer | null = null;
  #found: Found | null = null;
  #device: Device | null = null;
  #labels: readonly string[] | null = null;
  /** Each picture makes the answers to an earlier one void. */
  #turn = 0;

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
    await this.#askDevice(picture, current);
    await this.#askService(picture, current);
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
      this.#labels ??= await this.api.labels(this.task);
      const file = await base64Of(blob);
      const answer = await this.api.detect(this.task, name, file);
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
    this.notice.clear();
    if (!on) {
      this.#device?.stop();
      this.#device = null;
      this.#found = null;
      this.#results.source = "service";
      this.#draw();
      return;
    }
    try {
      const model = await latestModel(this.api, this.task, (share) => {
        this.#results.download = share;
      });
      this.#results.starting = true;
      const device = await Device.start(model);
      if (!this.#results.onDevice) {
        device.stop();
        return;
      }
      this.#device = device;
      this.#results.download = null;
      await this.#look();
    } catch (error) {
      this.#results.onDevice = false;
      this.#fail(error, () => {
        this.#results.onDevice = true;
        void this.#switchDevice(true);
      });
    } finally {
      this.#results.download = null;
    }
  }

  #draw(): void {
    const device = this.#found?.detections ?? null;
    const service = this.#service?.detections ?? null;
    const both = device !== null && service !== null;
    const chosen = (both ? (this.#results.source === "device" ? device : service) : null) ?? service ?? device;
    if (chosen === null) {
      return;
    }
    const labels = this.#labels ?? this.#device?.spec.labels ?? [];
    const shown = this.#above(chosen);
    this.#stage.draw(shown, labels);
    this.#results.list(shown, chosen.length - shown.length, labels);
    this.#results.tellTimes({
      service: this.#service?.milliseconds ?? null,
      device: this.#found?.milliseconds ?? null,
    });
    this.#results.compare(both ? agreement(this.#above(service), this.#above(device)) : null);
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
