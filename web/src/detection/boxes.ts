/** Boxes, as shares (0..1) of the upright picture's width and height, and how much two of them share. */

export interface Box {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

/** One thing that was found; `label` is the index into the detector's labels. */
export interface Detection extends Box {
  readonly label: number;
  readonly score: number;
}

/** Intersection over union; 0 where both are empty. */
export function overlap(one: Box, other: Box): number {
  const shared = area({
    xmin: Math.max(one.xmin, other.xmin),
    ymin: Math.max(one.ymin, other.ymin),
    xmax: Math.min(one.xmax, other.xmax),
    ymax: Math.min(one.ymax, other.ymax),
  });
  const union = area(one) + area(other) - shared;
  return union > 0 ? shared / union : 0;
}

function area({ xmin, ymin, xmax, ymax }: Box): number {
  return Math.max(xmax - xmin, 0) * Math.max(ymax - ymin, 0);
}
