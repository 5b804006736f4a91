/** A picture on its way to the service: read, turned upright, scaled where it is too large, and written as a JPEG.
 *
 * It is always drawn anew. So what is shown, what is sent and what this device looks at are the same pixels, whatever a file's
 * EXIF says; and what a camera writes into its files (place, time, serial number) does not leave the browser.
 */

import { toBase64 } from "./base64";
import { Failure } from "./failures";
import { DETECTION_SIDE, FILE_BYTES, PICTURE_BYTES, PICTURE_SIDE } from "./limits";

/** Of a picture that the service does not scale down: below 1 browsers keep only every second pixel's colour. */
const FULL_QUALITY = 1;
const QUALITY = 0.92;
const LOWER_QUALITY = 0.8;
/** Each further try is this much smaller. */
const STEP = 0.75;
const TRIES = 6;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Picture extends Size {
  /** A JPEG, upright, without metadata. */
  readonly blob: Blob;
  readonly name: string;
  /** The size it had, where it was scaled down. */
  readonly scaledFrom: Size | null;
}

/** The proportions kept, no side above `side`, whole pixels. */
export function fitting({ width, height }: Size, side: number = PICTURE_SIDE): Size {
  const longest = Math.max(width, height);
  if (longest <= side) {
    return { width, height };
  }
  const scaled = (length: number): number => Math.max(1, Math.round((length * side) / longest));
  return { width: scaled(width), height: scaled(height) };
}

/** What is tried, in this order, until the JPEG is small enough. */
export function attempts(size: Size): { readonly size: Size; readonly quality: number }[] {
  const first = fitting(size);
  const longest = Math.max(first.width, first.height);
  const smaller = Array.from({ length: TRIES }, (_, index) => ({
    size: fitting(first, Math.max(1, Math.round(longest * STEP ** (index + 1)))),
    quality: LOWER_QUALITY,
  }));
  const best = longest <= DETECTION_SIDE ? [{ size: first, quality: FULL_QUALITY }] : [];
  return [...best, { size: first, quality: QUALITY }, { size: first, quality: LOWER_QUALITY }, ...smaller];
}

/** Throws `Failure`: too large a file, or none that the browser can read as a picture. */
export async function pictureOfFile(file: File): Promise<Picture> {
  if (file.size > FILE_BYTES) {
    throw new Failure("file-too-large", { said: `${Math.round(file.size / 1e6)} MB` });
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch (error) {
    throw new Failure("not-a-picture", { cause: error });
  }
  try {
    return await pictureOf(bitmap, bitmap, file.name);
  } finally {
    bitmap.close();
  }
}

/** What a camera shows now. */
export function pictureOfVideo(video: HTMLVideoElement): Promise<Picture> {
  return pictureOf(video, { width: video.videoWidth, height: video.videoHeight }, "camera.jpg");
}

async function pictureOf(source: CanvasImageSource, original: Size, name: string): Promise<Picture> {
  for (const { size, quality } of attempts(original)) {
    const blob = await jpegOf(source, size, quality);
    if (blob.size <= PICTURE_BYTES) {
      const scaled = size.width !== original.width || size.height !== original.height;
      const scaledFrom = scaled ? { width: original.width, height: original.height } : null;
      return { blob, name, ...size, scaledFrom };
    }
  }
  throw new Failure("picture-too-large");
}

async function jpegOf(source: CanvasImageSource, { width, height }: Size, quality: number): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { alpha: false });
  if (context === null) {
    throw new Failure("picture-too-large");
  }
  context.fillStyle = "white"; // beneath what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, "image/jpeg", quality);
  });
  if (blob === null) {
    throw new Failure("picture-too-large");
  }
  return blob;
}

export async function base64Of(blob: Blob): Promise<string> {
  return toBase64(new Uint8Array(await blob.arrayBuffer()));
}
