/** The web app's decoding gives what Python's gives. */

import { describe, expect, test } from "vitest";
import { ssdAnchors } from "../src/detection/anchors";
import type { Detection } from "../src/detection/boxes";
import { bestClass, decodeBox, detectionsOf, NotFinite } from "../src/detection/decoding";
import { resize } from "../src/detection/resize";
import { parseSpec } from "../src/detection/spec";
import { suppress } from "../src/detection/suppression";
import { cases, expectNear } from "./golden";

type Fields = Record<string, unknown>;
type Row = number[];

const SPEC = cases<{ spec: Fields }>("detections")[0]?.spec ?? {};

/** A spec in which only the decoder is another. */
const decoderOf = (decoder: unknown) => parseSpec({ ...SPEC, decoder }).decoder;

test.each(cases<AnchorsCase>("anchors"))("anchors of $height x $width", ({ parameters, height, width, expected }) => {
  const anchors = ssdAnchors(decoderOf({ ...(SPEC["decoder"] as Fields), anchors: parameters }).anchors, height, width);
  expect(anchors.length).toBe(expected.count * 4);
  const sums = [0, 1, 2, 3].map((column) => anchors.filter((_, at) => at % 4 === column).reduce((a, b) => a + b, 0));
  expectNear(sums, expected.sums, 1e-8);
  for (const { index, anchor } of expected.samples) {
    expectNear([...anchors.subarray(index * 4, index * 4 + 4)], anchor);
  }
});

test.each(cases<BoxesCase>("boxes"))("boxes and classes, background: $decoder.background", (given) => {
  const decoder = decoderOf(given.decoder);
  const boxes = given.encodings.map((encoding, index) => {
    const box = decodeBox(Float32Array.from(encoding), Float64Array.from(given.anchors[index] ?? []), decoder);
    return [box.xmin, box.ymin, box.xmax, box.ymax];
  });
  expectNear(boxes, given.expected.boxes);
  const classes = given.logits.map((logits) => bestClass(Float32Array.from(logits), decoder.background));
  expect(classes.map(({ label }) => label)).toEqual(given.expected.labels);
  expectNear(
    classes.map(({ score }) => score),
    given.expected.scores,
  );
});

test.each(cases<SuppressionCase>("suppression"))("suppression: $name", (given) => {
  const found = given.boxes.map(([xmin = 0, ymin = 0, xmax = 0, ymax = 0], index): Detection => {
    return { label: given.labels[index] ?? 0, score: given.scores[index] ?? 0, xmin, ymin, xmax, ymax };
  });
  const kept = suppress(found, { iou: given.iou, acrossClasses: given.across_classes, limit: given.limit });
  expect(kept.map((box) => found.indexOf(box))).toEqual(given.expected);
});

test.each(cases<DetectionsCase>("detections"))("detections, min_score $min_score", (given) => {
  const spec = parseSpec(given.spec);
  const anchors = ssdAnchors(spec.decoder.anchors, spec.input.height, spec.input.width);
  const found = detectionsOf(raw(given.outputs), anchors, spec, {
    ...(given.min_score === undefined ? {} : { minScore: given.min_score }),
    ...(given.max_detections === undefined ? {} : { maxDetections: given.max_detections }),
  });
  const rows = found.map(({ label, score, xmin, ymin, xmax, ymax }) => [label, score, xmin, ymin, xmax, ymax]);
  expectNear(rows, given.expected, 1e-6);
});

test("a number that is none is told", () => {
  const [first] = cases<DetectionsCase>("detections");
  const spec = parseSpec(first?.spec);
  const outputs = raw(first?.outputs ?? {});
  outputs.logits[3] = Number.NaN;
  const anchors = ssdAnchors(spec.decoder.anchors, spec.input.height, spec.input.width);
  expect(() => detectionsOf(outputs, anchors, spec)).toThrow(NotFinite);
});

describe("resizing, to the last bit", () => {
  test.each(cases<ResizeCase>("resize"))("$width x $height to $to_width x $to_height", (given) => {
    const { width, height } = given;
    const picture = { values: Uint8ClampedArray.from(given.rgb), width, height, channels: 3 } as const;
    expect([...resize(picture, given.to_height, given.to_width).values]).toEqual(given.expected);
    const onCanvas = { ...picture, values: withAlpha(given.rgb), channels: 4 } as const;
    expect([...resize(onCanvas, given.to_height, given.to_width).values]).toEqual(given.expected);
  });

  test.each(cases<PictureCase>("pictures"))("$name as the model sees it", (given) => {
    const values = new Uint8ClampedArray(Buffer.from(given.rgb, "base64"));
    const seen = resize({ values, width: given.width, height: given.height, channels: 3 }, 300, 300);
    expect(seen.values.reduce((sum, value) => sum + value, 0)).toBe(given.resized_sum);
  });
});

test.each([
  ["another format", { format: 2 }, "format is 2, not 1"],
  ["another decoder", { decoder: { kind: "heatmap" } }, "decoder.kind is heatmap, not ssd"],
  ["no labels", { labels: undefined }, "labels is not a list"],
  ["a score that is none", { min_score: "0.4" }, "min_score is not a number"],
])("a detector.json with %s is not understood", (_, changed, words) => {
  expect(() => parseSpec({ ...SPEC, ...changed })).toThrow(words);
});

/** As a canvas gives it: with a fourth channel, whose value must not matter. */
function withAlpha(rgb: Row): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: (rgb.length / 3) * 4 }, (_, at) =>
    at % 4 === 3 ? at % 256 : (rgb[Math.floor(at / 4) * 3 + (at % 4)] ?? 0),
  );
}

function raw(outputs: Record<string, Row[]>) {
  const of = (name: string) => Float32Array.from((outputs[name] ?? []).flat());
  return { boxes: of("boxes"), logits: of("logits") };
}

interface AnchorsCase {
  parameters: Fields;
  height: number;
  width: number;
  expected: { count: number; sums: Row; samples: { index: number; anchor: Row }[] };
}

interface BoxesCase {
  decoder: Fields;
  anchors: Row[];
  encodings: Row[];
  logits: Row[];
  expected: { boxes: Row[]; labels: Row; scores: Row };
}

interface SuppressionCase {
  name: string;
  boxes: Row[];
  scores: Row;
  labels: Row;
  iou: number;
  across_classes: boolean;
  limit: number;
  expected: Row;
}

interface DetectionsCase {
  spec: Fields;
  outputs: Record<string, Row[]>;
  min_score?: number;
  max_detections?: number;
  expected: Row[];
}

interface ResizeCase {
  height: number;
  width: number;
  rgb: Row;
  to_height: number;
  to_width: number;
  expected: Row;
}

interface PictureCase {
  name: string;
  height: number;
  width: number;
  rgb: string;
  resized_sum: number;
}
