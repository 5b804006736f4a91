/** The golden vectors that `python -m edgetrain.tasks.golden` writes. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** Python's float64 and JavaScript's differ by a unit in the last place of exp and tanh. */
export const EXACT = 1e-9;

export function cases<T>(name: string): readonly T[] {
  const file = new URL(`./golden/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { cases: T[] }).cases;
}

/** Nested lists of numbers, each within `tolerance`. */
export function expectNear(found: readonly unknown[], expected: readonly unknown[], tolerance = EXACT): void {
  const flat = (values: readonly unknown[]) => values.flat(Number.POSITIVE_INFINITY) as number[];
  const [one, other] = [flat(found), flat(expected)];
  expect(one).toHaveLength(other.length);
  const worst = Math.max(0, ...one.map((value, index) => Math.abs(value - (other[index] ?? Number.NaN))));
  expect(worst).toBeLessThanOrEqual(tolerance);
}
