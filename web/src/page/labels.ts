/** Where the names of boxes go, so that each can be read and none lies on another where there is room. */

import type { Box } from "../detection/boxes";
import type { Size } from "../picture";

export interface Point {
  readonly left: number;
  readonly top: number;
}

interface Area extends Point, Size {}

/** For each box (best first, shares of the stage) the upper left corner of its name, in the pixels of `stage`.
 *
 * Tried in this order: on top of the box, inside at its top, below it, inside at its bottom, each at its left and then at its right
 * edge; the first that covers no earlier name, or else the one that covers least. A name never leaves the stage.
 */
export function placeLabels(boxes: readonly Box[], sizes: readonly Size[], stage: Size): Point[] {
  const placed: Area[] = [];
  for (const [index, box] of boxes.entries()) {
    const size = sizes[index] ?? { width: 0, height: 0 };
    const places = candidates(box, size, stage).map((place) => ({ place, covered: coveredBy(place, placed) }));
    const free = places.find(({ covered }) => covered === 0);
    const [least] = places.sort((one, other) => one.covered - other.covered);
    const chosen = (free ?? least)?.place;
    placed.push(chosen ?? { left: 0, top: 0, ...size });
  }
  return placed.map(({ left, top }) => ({ left, top }));
}

function candidates(box: Box, size: Size, stage: Size): Area[] {
  const top = box.ymin * stage.height;
  const bottom = box.ymax * stage.height;
  const tops = [top - size.height, top, bottom, bottom - size.height];
  const lefts = [box.xmin * stage.width, box.xmax * stage.width - size.width];
  return tops
    .filter((y) => y >= 0 && y + size.height <= stage.height)
    .concat(Math.max(0, Math.min(top, stage.height - size.height)))
    .flatMap((y) => lefts.map((x) => ({ left: within(x, stage.width - size.width), top: y, ...size })));
}

function coveredBy(place: Area, placed: readonly Area[]): number {
  return placed.reduce((sum, other) => sum + shared(place, other), 0);
}

function shared(one: Area, other: Area): number {
  const width = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
  const height = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
  return width > 0 && height > 0 ? width * height : 0;
}

function within(value: number, largest: number): number {
  return Math.max(0, Math.min(value, largest));
}
