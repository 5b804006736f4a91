/** Stretching a picture to a detector's input: bit for bit what `edgetrain/detection/pictures.py: resize` (Pillow's BILINEAR) does. */

/** Fixed point: weights have this many bits after the point. 255 * 2^22 + 2^21 fits into 32 bits. */
const PRECISION = 22;

export interface Rgb {
  /** Height x width x 3, row after row. */
  readonly pixels: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** What one output pixel is made of: `weights.length` input pixels from `first` on. */
interface Window {
  readonly first: number;
  readonly weights: Int32Array;
}

/** Of RGBA pixels (a canvas's) the first three channels. */
export function withoutAlpha(rgba: Uint8ClampedArray, width: number, height: number): Rgb {
  const pixels = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    pixels[to] = rgba[from] ?? 0;
    pixels[to + 1] = rgba[from + 1] ?? 0;
    pixels[to + 2] = rgba[from + 2] ?? 0;
  }
  return { pixels, width, height };
}

/** Along x first, then along y; a side that stays as it is passes untouched. */
export function resize(picture: Rgb, height: number, width: number): Rgb {
  const narrow = picture.width === width ? picture : alongX(picture, width);
  return narrow.height === height ? narrow : alongY(narrow, height);
}

function alongX({ pixels, width, height }: Rgb, out: number): Rgb {
  const windows = windowsOf(width, out);
  const result = new Uint8ClampedArray(height * out * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (const window of windows) {
      weigh(pixels, (row * width + window.first) * 3, 3, window.weights, result, to);
      to += 3;
    }
  }
  return { pixels: result, width: out, height };
}

function alongY({ pixels, width, height }: Rgb, out: number): Rgb {
  const result = new Uint8ClampedArray(out * width * 3);
  let to = 0;
  for (const window of windowsOf(height, out)) {
    for (let column = 0; column < width; column++) {
      weigh(pixels, (window.first * width + column) * 3, width * 3, window.weights, result, to);
      to += 3;
    }
  }
  return { pixels: result, width, height: out };
}

/** The weighted sum of the pixels at `from`, `from + step`, ... goes to `to`: three channels. */
function weigh(
  pixels: Uint8ClampedArray,
  from: number,
  step: number,
  weights: Int32Array,
  result: Uint8ClampedArray,
  to: number,
): void {
  let red = 1 << (PRECISION - 1);
  let green = red;
  let blue = red;
  let at = from;
  for (let index = 0; index < weights.length; index++) {
    const weight = weights[index] as number;
    red += weight * (pixels[at] as number);
    green += weight * (pixels[at + 1] as number);
    blue += weight * (pixels[at + 2] as number);
    at += step;
  }
  result[to] = red >> PRECISION;
  result[to + 1] = green >> PRECISION;
  result[to + 2] = blue >> PRECISION;
}

function windowsOf(size: number, out: number): Window[] {
  const scale = size / out;
  const reach = Math.max(scale, 1);
  return Array.from({ length: out }, (_, index) => windowAt((index + 0.5) * scale, reach, size));
}

/** The triangle of half-width `reach` around `centre`, cut off at the picture's edges. */
function windowAt(centre: number, reach: number, size: number): Window {
  const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
  const last = Math.min(Math.trunc(centre + reach + 0.5), size);
  const raw = Array.from({ length: last - first }, (_, index) =>
    Math.max(0, 1 - Math.abs((index + first - centre + 0.5) * (1 / reach))),
  );
  const sum = raw.reduce((total, weight) => total + weight, 0);
  const weights = raw.map((weight) => Math.trunc((weight / sum) * 2 ** PRECISION + 0.5));
  return { first, weights: Int32Array.from(weights) };
}
