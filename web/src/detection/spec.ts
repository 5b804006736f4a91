/** `detector.json`: how a detector's picture is made and its raw answers are read (`DetectorSpec` of `edgetrain/contracts.py`). */

import { fields, flag, list, number, text, Unexpected } from "../checks";

export interface SsdAnchors {
  /** Pixels of the input, one feature map for each. */
  readonly strides: readonly number[];
  readonly minScale: number;
  readonly maxScale: number;
  readonly aspectRatios: readonly number[];
  /** 0: no anchor between two scales. */
  readonly interpolatedAspectRatio: number;
  readonly fewerInFirstMap: boolean;
  readonly offset: number;
}

export interface SsdDecoder {
  readonly kind: "ssd";
  /** Names of the model's outputs: [1, anchors, 4] (y, x, height, width) and [1, anchors, classes]. */
  readonly boxes: string;
  readonly logits: string;
  /** Whether the first logit is that of no object. */
  readonly background: boolean;
  readonly centreScale: number;
  readonly sizeScale: number;
  readonly anchors: SsdAnchors;
}

export interface DetectorSpec {
  readonly labels: readonly string[];
  /** A pixel value p in 0..255 goes in as p * scale + offset. */
  readonly input: { readonly height: number; readonly width: number; readonly scale: number; readonly offset: number };
  readonly decoder: SsdDecoder;
  readonly minScore: number;
  readonly iou: number;
  readonly acrossClasses: boolean;
  readonly maxDetections: number;
}

/** Throws `Unexpected` when it is none that this page understands: a newer format, another kind of decoder, a missing field. */
export function parseSpec(value: unknown): DetectorSpec {
  const spec = fields(value, "detector.json");
  if (spec["format"] !== 1) {
    throw new Unexpected(`format is ${String(spec["format"])}, not 1`);
  }
  const input = fields(spec["input"], "input");
  return {
    labels: list(spec["labels"], "labels").map((label, index) => text(label, `labels[${index}]`)),
    input: {
      height: number(input["height"], "input.height"),
      width: number(input["width"], "input.width"),
      scale: number(input["scale"], "input.scale"),
      offset: number(input["offset"], "input.offset"),
    },
    decoder: parseDecoder(spec["decoder"]),
    minScore: number(spec["min_score"], "min_score"),
    iou: number(spec["iou"], "iou"),
    acrossClasses: flag(spec["across_classes"], "across_classes"),
    maxDetections: number(spec["max_detections"], "max_detections"),
  };
}

function parseDecoder(value: unknown): SsdDecoder {
  const decoder = fields(value, "decoder");
  if (decoder["kind"] !== "ssd") {
    throw new Unexpected(`decoder.kind is ${String(decoder["kind"])}, not ssd`);
  }
  const anchors = fields(decoder["anchors"], "decoder.anchors");
  return {
    kind: "ssd",
    boxes: text(decoder["boxes"], "decoder.boxes"),
    logits: text(decoder["logits"], "decoder.logits"),
    background: flag(decoder["background"], "decoder.background"),
    centreScale: number(decoder["centre_scale"], "decoder.centre_scale"),
    sizeScale: number(decoder["size_scale"], "decoder.size_scale"),
    anchors: {
      strides: numbers(anchors["strides"], "strides"),
      minScale: number(anchors["min_scale"], "min_scale"),
      maxScale: number(anchors["max_scale"], "max_scale"),
      aspectRatios: numbers(anchors["aspect_ratios"], "aspect_ratios"),
      interpolatedAspectRatio: number(anchors["interpolated_aspect_ratio"], "interpolated_aspect_ratio"),
      fewerInFirstMap: flag(anchors["fewer_in_first_map"], "fewer_in_first_map"),
      offset: number(anchors["offset"], "offset"),
    },
  };
}

function numbers(value: unknown, where: string): readonly number[] {
  return list(value, where).map((item, index) => number(item, `${where}[${index}]`));
}
