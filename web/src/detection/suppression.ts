/** Non-maximum suppression: of boxes that cover the same thing, the likeliest stays (`edgetrain/detection/suppression.py`). */

import { type Detection, overlap } from "./boxes";

export interface Suppression {
  readonly iou: number;
  readonly acrossClasses: boolean;
  readonly limit: number;
}

/** Those that stay, best first and of equal ones the earlier first; at most `limit`. */
export function suppress(found: readonly Detection[], { iou, acrossClasses, limit }: Suppression): Detection[] {
  let waiting = found.toSorted((one, other) => other.score - one.score);
  const kept: Detection[] = [];
  while (kept.length < limit) {
    const [best, ...others] = waiting;
    if (best === undefined) {
      break;
    }
    kept.push(best);
    waiting = others.filter((box) => overlap(best, box) <= iou || !(acrossClasses || box.label === best.label));
  }
  return kept;
}
