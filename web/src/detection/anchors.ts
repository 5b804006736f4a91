/** The anchors of a single-shot detector: the same numbers in the same order as `edgetrain/detection/anchors.py`. */

import type { SsdAnchors } from "./spec";

/** Height and width, as shares of the input. */
type Shape = readonly [number, number];

const FIRST_SMALL_SCALE = 0.1;
const FIRST_ASPECT_RATIOS = [2.0, 0.5];

/** [n, 4], row after row: centre y, centre x, height, width, each as a share of an input of `height` x `width` pixels. */
export function ssdAnchors(parameters: SsdAnchors, height: number, width: number): Float64Array {
  const anchors: number[] = [];
  for (const [index, stride] of parameters.strides.entries()) {
    const shapes = cellShapes(parameters, index);
    const rows = Math.ceil(height / stride);
    const columns = Math.ceil(width / stride);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (const [high, wide] of shapes) {
          anchors.push((row + parameters.offset) / rows, (column + parameters.offset) / columns, high, wide);
        }
      }
    }
  }
  return Float64Array.from(anchors);
}

/** The anchors of a cell of feature map `index`: of scale s and aspect ratio a, s / sqrt(a) high and s * sqrt(a) wide. */
function cellShapes(parameters: SsdAnchors, index: number): Shape[] {
  return cellPairs(parameters, index).map(([scale, ratio]) => [scale / Math.sqrt(ratio), scale * Math.sqrt(ratio)]);
}

/** Scale and aspect ratio of each anchor of a cell. */
function cellPairs(parameters: SsdAnchors, index: number): Shape[] {
  const scale = scaleOf(parameters, index);
  if (index === 0 && parameters.fewerInFirstMap) {
    return [[FIRST_SMALL_SCALE, 1], ...FIRST_ASPECT_RATIOS.map((ratio): Shape => [scale, ratio])];
  }
  const pairs = parameters.aspectRatios.map((ratio): Shape => [scale, ratio]);
  if (parameters.interpolatedAspectRatio > 0) {
    const last = index === parameters.strides.length - 1;
    const following = last ? 1 : scaleOf(parameters, index + 1);
    pairs.push([Math.sqrt(scale * following), parameters.interpolatedAspectRatio]);
  }
  return pairs;
}

function scaleOf({ strides, minScale, maxScale }: SsdAnchors, index: number): number {
  if (strides.length === 1) {
    return (minScale + maxScale) / 2;
  }
  return minScale + ((maxScale - minScale) * index) / (strides.length - 1);
}
