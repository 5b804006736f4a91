/** From a detector's raw answers to what is told: the same as `edgetrain/detection/{boxes,detections}.py`, by golden vectors. */

import type { Box, Detection } from "./boxes";
import type { DetectorSpec, SsdDecoder } from "./spec";
import { suppress } from "./suppression";

const LARGEST_EXPONENT = 30;

/** The two outputs that `SsdDecoder` names, without their batch dimension: [n, 4] and [n, classes], row after row. */
export interface RawOutputs {
  readonly boxes: Float32Array;
  readonly logits: Float32Array;
}

export class NotFinite extends Error {}

/** Best first. Throws `NotFinite` when the model gave a number that is none. */
export function detectionsOf(
  outputs: RawOutputs,
  anchors: Float64Array,
  spec: DetectorSpec,
  { minScore = spec.minScore, maxDetections = spec.maxDetections } = {},
): Detection[] {
  if (!(outputs.boxes.every(Number.isFinite) && outputs.logits.every(Number.isFinite))) {
    throw new NotFinite("the model's answer is not finite");
  }
  const found: Detection[] = [];
  const count = anchors.length / 4;
  const width = outputs.logits.length / count;
  for (let index = 0; index < count; index++) {
    const { label, score } = bestClass(
      outputs.logits.subarray(index * width, (index + 1) * width),
      spec.decoder.background,
    );
    if (score >= minScore) {
      const encoding = outputs.boxes.subarray(index * 4, index * 4 + 4);
      const box = decodeBox(encoding, anchors.subarray(index * 4, index * 4 + 4), spec.decoder);
      if (box.xmax > box.xmin && box.ymax > box.ymin) {
        found.push({ label, score, ...box });
      }
    }
  }
  return suppress(found, { iou: spec.iou, acrossClasses: spec.acrossClasses, limit: maxDetections });
}

/** The likeliest class and its score, the logit's sigmoid; of equal ones the first. */
export function bestClass(logits: Float32Array, background: boolean): { label: number; score: number } {
  const first = background ? 1 : 0;
  let best = Number.NEGATIVE_INFINITY;
  let label = 0;
  for (const [index, logit] of logits.entries()) {
    if (index >= first && logit > best) {
      best = logit;
      label = index - first;
    }
  }
  return { label, score: 0.5 * (1 + Math.tanh(0.5 * best)) };
}

/** `encoding` and `anchor` have y before x; the box is cut off at the picture's edges. */
export function decodeBox(encoding: Float32Array, anchor: Float64Array, decoder: SsdDecoder): Box {
  const [moveY = 0, moveX = 0, growHeight = 0, growWidth = 0] = encoding;
  const [anchorY = 0, anchorX = 0, anchorHeight = 0, anchorWidth = 0] = anchor;
  const y = (moveY / decoder.centreScale) * anchorHeight + anchorY;
  const x = (moveX / decoder.centreScale) * anchorWidth + anchorX;
  const height = Math.exp(Math.min(growHeight / decoder.sizeScale, LARGEST_EXPONENT)) * anchorHeight;
  const width = Math.exp(Math.min(growWidth / decoder.sizeScale, LARGEST_EXPONENT)) * anchorWidth;
  return { xmin: cut(x - width / 2), ymin: cut(y - height / 2), xmax: cut(x + width / 2), ymax: cut(y + height / 2) };
}

function cut(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}
