/** The camera: the one that looks away from the person first, any other by choice. Off as soon as it is not looked through. */

import { cameraFailure, Failure } from "./failures";

export interface CameraChoice {
  readonly id: string;
  readonly name: string;
}

export class Camera {
  #stream: MediaStream | null = null;
  /** Each start or stop makes an earlier start, which may still wait for the person's consent, void. */
  #turn = 0;

  /** `lost` is called when a camera goes away while it is looked through. */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly lost: () => void,
  ) {}

  /** Shows what a camera sees; false when it was stopped meanwhile. Throws `Failure`. */
  async start(id: string | null = null): Promise<boolean> {
    this.stop();
    const turn = this.#turn;
    if (navigator.mediaDevices?.getUserMedia === undefined) {
      throw new Failure(isSecureContext ? "camera-none" : "insecure");
    }
    const which: MediaTrackConstraints =
      id === null ? { facingMode: { ideal: "environment" } } : { deviceId: { exact: id } };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { ...which, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
      if (turn !== this.#turn) {
        end(stream);
        return false;
      }
      this.#stream = stream;
      for (const track of stream.getTracks()) {
        track.addEventListener("ended", this.lost);
      }
      this.video.srcObject = stream;
      await this.video.play();
      return turn === this.#turn;
    } catch (error) {
      if (turn !== this.#turn) {
        return false;
      }
      this.stop();
      throw cameraFailure(error);
    }
  }

  stop(): void {
    this.#turn += 1;
    if (this.#stream !== null) {
      end(this.#stream);
      this.#stream = null;
    }
    this.video.srcObject = null;
  }

  /** All cameras, and the one in use. Browsers name them only after consent, so this is asked after `start`. */
  async choices(): Promise<{ readonly all: readonly CameraChoice[]; readonly current: string | null }> {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const all = devices
      .filter((device) => device.kind === "videoinput")
      .map((device, index) => ({ id: device.deviceId, name: device.label || `Camera ${index + 1}` }));
    return { all, current: this.#stream?.getVideoTracks()[0]?.getSettings().deviceId ?? null };
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.stop();
  }
}
