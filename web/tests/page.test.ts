/** What the page works out before it draws: places of names, words, sizes, the comparison of two detectors. */

import { expect, test } from "vitest";
import { agreement } from "../src/detection/agreement";
import { type Box, type Detection, overlap } from "../src/detection/boxes";
import { placeLabels } from "../src/page/labels";
import { agreementWords, duration, percent, scaledHint, summary, whereabouts } from "../src/page/words";
import { attempts, fitting } from "../src/picture";

const STAGE = { width: 400, height: 300 };
const NAME = { width: 100, height: 20 };
const box = (xmin: number, ymin: number, xmax: number, ymax: number): Box => ({ xmin, ymin, xmax, ymax });
const seen = (label: number, score: number, where: Box): Detection => ({ label, score, ...where });
const LEFT = box(0, 0, 0.5, 0.5);
const RIGHT = box(0.5, 0.5, 1, 1);

test.each([
  ["on top of its box", box(0.25, 0.5, 0.75, 0.75), { left: 100, top: 130 }],
  ["inside where the box reaches the top", box(0.25, 0, 0.75, 0.75), { left: 100, top: 0 }],
  ["pushed in at the right", box(0.9, 0.5, 1, 0.75), { left: 300, top: 130 }],
  ["pushed in at the left", box(-0.1, 0.5, 0.1, 0.75), { left: 0, top: 130 }],
])("a name is %s", (_, where, place) => {
  expect(placeLabels([where], [NAME], STAGE)).toEqual([place]);
});

test("names of boxes that share a corner do not lie on one another", () => {
  const boxes = [box(0.25, 0.25, 0.75, 0.75), box(0.25, 0.25, 0.8, 0.8), box(0.25, 0.25, 0.7, 0.7)];
  const places = placeLabels(boxes, [NAME, NAME, NAME], STAGE);
  const areas = places.map(({ left, top }) => box(left, top, left + NAME.width, top + NAME.height));
  for (const [index, one] of areas.entries()) {
    for (const other of areas.slice(index + 1)) {
      expect(overlap(one, other)).toBe(0);
    }
  }
});

test("a hundred names on a small stage all stay on it", () => {
  const boxes = Array.from({ length: 100 }, (_, index) => box(index / 120, index / 130, 0.9, 0.95));
  for (const { left, top } of placeLabels(
    boxes,
    boxes.map(() => NAME),
    STAGE,
  )) {
    expect(left).toBeGreaterThanOrEqual(0);
    expect(top).toBeGreaterThanOrEqual(0);
    expect(left + NAME.width).toBeLessThanOrEqual(STAGE.width);
    expect(top + NAME.height).toBeLessThanOrEqual(STAGE.height);
  }
});

test("a name that is larger than the stage begins at its corner", () => {
  expect(placeLabels([RIGHT], [{ width: 500, height: 400 }], STAGE)).toEqual([{ left: 0, top: 0 }]);
});

test.each([
  [box(0, 0, 1, 1), "fills the picture"],
  [box(0.4, 0.4, 0.6, 0.6), "in the middle"],
  [box(0, 0, 0.2, 0.2), "top left"],
  [box(0.8, 0.4, 1, 0.6), "right"],
  [box(0.4, 0.8, 0.6, 1), "bottom"],
])("where %j is", (where, words) => {
  expect(whereabouts(where)).toBe(words);
});

test.each([
  [[], 0, "Nothing that the model knows was found."],
  [[], 2, "Nothing above the minimum score; 2 below it."],
  [[seen(0, 0.9, LEFT)], 0, "Found: person."],
  [
    [seen(1, 0.9, LEFT), seen(0, 0.8, LEFT), seen(1, 0.7, RIGHT)],
    1,
    "Found: cat (2), person. 1 more below the minimum score.",
  ],
  [[seen(9, 0.9, LEFT)], 0, "Found: class 9."],
])("what was found, in words", (shown, hidden, words) => {
  expect(summary(shown, hidden, ["Person", "Cat"])).toBe(words);
});

test("figures in words", () => {
  expect([percent(0.594), duration(18.4), duration(999.6), duration(2345)]).toEqual([
    "59 %",
    "18 ms",
    "1000 ms",
    "2.3 s",
  ]);
});

test("one who looked twice agrees with itself", () => {
  const both = [seen(0, 0.9, LEFT), seen(1, 0.5, RIGHT)];
  expect(agreement(both, both)).toEqual({ same: 2, onlyFirst: 0, onlySecond: 0, overlap: 1 });
});

test("another label, another place and a box that is taken already are not the same", () => {
  const first = [seen(0, 0.9, LEFT), seen(0, 0.8, LEFT), seen(1, 0.7, RIGHT)];
  const second = [seen(0, 0.9, box(0, 0, 0.5, 0.4)), seen(0, 0.6, RIGHT)];
  expect(agreement(first, second)).toEqual({ same: 1, onlyFirst: 2, onlySecond: 1, overlap: 0.8 });
});

test.each([
  [[], [], "Service and device agree: nothing above the minimum score."],
  [[seen(0, 0.9, LEFT)], [seen(0, 0.9, LEFT)], "Service and device agree on 1 thing; their boxes overlap by 100 %."],
  [
    [seen(0, 0.9, LEFT)],
    [seen(1, 0.9, LEFT)],
    "Service and device differ: both found 0 things, the service 1 more, this device 1 more.",
  ],
])("agreement in words", (first, second, words) => {
  expect(agreementWords(agreement(first, second), { service: "1", device: "1" })).toBe(words);
});

test("that the two run two versions of the model is told", () => {
  const words = agreementWords(agreement([], []), { service: "1", device: "2" });
  expect(words).toMatch(/ The service runs version 1 of the model, this device version 2\.$/);
  expect(agreementWords(agreement([], []), { service: null, device: "2" })).not.toContain("version");
});

test.each([
  [
    { width: 4096, height: 4096 },
    { width: 4096, height: 4096 },
  ],
  [
    { width: 8192, height: 4096 },
    { width: 4096, height: 2048 },
  ],
  [
    { width: 1, height: 10_000 },
    { width: 1, height: 4096 },
  ],
])("%j fits as %j", (size, fitted) => {
  expect(fitting(size)).toEqual(fitted);
});

test("a picture is first tried as large as it may be, then coarser, then smaller", () => {
  const tried = attempts({ width: 8192, height: 6144 });
  expect(tried.slice(0, 3)).toEqual([
    { size: { width: 4096, height: 3072 }, quality: 0.92 },
    { size: { width: 4096, height: 3072 }, quality: 0.8 },
    { size: { width: 3072, height: 2304 }, quality: 0.8 },
  ]);
  expect(tried).toHaveLength(8);
  expect(attempts({ width: 1024, height: 768 })[0]).toEqual({ size: { width: 1024, height: 768 }, quality: 1 });
});

test("that a picture was scaled is told, and only then", () => {
  const picture = {
    blob: new Blob(),
    name: "x.jpg",
    width: 4096,
    height: 3072,
    scaledFrom: { width: 8192, height: 6144 },
  };
  expect(scaledHint(picture)).toBe(
    "The picture was too large for the service and was scaled in the browser, from 8192 x 6144 to 4096 x 3072 pixels.",
  );
  expect(scaledHint({ ...picture, scaledFrom: null })).toBeNull();
});
