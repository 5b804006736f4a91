/** Whether two detectors saw the same in one picture. */

import { type Detection, overlap } from "./boxes";

/** Two boxes of one label that share at least this much are the same thing. */
const SAME = 0.5;

export interface Agreement {
  readonly same: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Mean intersection over union of what both saw; 1 when that is nothing. */
  readonly overlap: number;
}

/** Best first on both sides: each box of `first` takes the box of `second`, not yet taken, that it overlaps most. */
export function agreement(first: readonly Detection[], second: readonly Detection[]): Agreement {
  const free = new Set(second);
  const overlaps: number[] = [];
  for (const one of first) {
    const [best] = [...free]
      .filter((other) => other.label === one.label)
      .map((other) => ({ other, shared: overlap(one, other) }))
      .sort((a, b) => b.shared - a.shared);
    if (best !== undefined && best.shared >= SAME) {
      free.delete(best.other);
      overlaps.push(best.shared);
    }
  }
  const same = overlaps.length;
  return {
    same,
    onlyFirst: first.length - same,
    onlySecond: free.size,
    overlap: same === 0 ? 1 : overlaps.reduce((sum, shared) => sum + shared, 0) / same,
  };
}
