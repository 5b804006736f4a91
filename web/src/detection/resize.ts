/** Stretching a picture to a detector's input: bit for bit what `edgetrain/detection/pictures.py: resize` (Pillow's BILINEAR) does. */

/** Fixed point: weights have this many bits after the point. 255 * 2^22 + 2^21 fits into 32 bits. */
const PRECISION = 22;

export interface Pixels {
  /** Height x width x channels, row after row: red, green, blue, and a canvas's alpha, which is not looked at. */
  readonly values: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/** What one output pixel is made of: `weights.length` input pixels from `first` on. */
interface Window {
  readonly first: number;
  readonly weights: Int32Array;
}

/** Three channels. Along x first, then along y; a side that stays as it is passes untouched. */
export function resize(picture: Pixels, height: number, width: number): Pixels {
  const narrow = picture.width === width && picture.channels === 3 ? picture : alongX(picture, width);
  return narrow.height === height ? narrow : alongY(narrow, height);
}

function alongX({ values, width, height, channels }: Pixels, out: number): Pixels {
  const windows = windowsOf(width, out);
  const result = new Uint8ClampedArray(height * out * 3);
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (const window of windows) {
      weigh(values, (row * width + window.first) * channels, channels, window.weights, result, to);
      to += 3;
    }
  }
  return { values: result, width: out, height, channels: 3 };
}

function alongY({ values, width, height }: Pixels, out: number): Pixels {
  const result = new Uint8ClampedArray(out * width * 3);
  let to = 0;
  for (const window of windowsOf(height, out)) {
    for (let column = 0; column < width; column++) {
      weigh(values, (window.first * width + column) * 3, width * 3, window.weights, result, to);
      to += 3;
    }
  }
  return { values: result, width, height: out, channels: 3 };
}

/** The weighted sum of the pixels at `from`, `from + step`, ... goes to `to`: three channels. */
function weigh(
  values: Uint8ClampedArray,
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
    red += weight * (values[at] as number);
    green += weight * (values[at + 1] as number);
    blue += weight * (values[at + 2] as number);
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
