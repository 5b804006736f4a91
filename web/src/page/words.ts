/** Figures and findings in words. (What goes wrong has its words in `failures.ts`.) */

import type { Agreement } from "../detection/agreement";
import type { Box, Detection } from "../detection/boxes";
import type { Picture } from "../picture";

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Where a box lies, for whoever does not see it: "top left", "in the middle", "fills the picture". */
export function whereabouts({ xmin, ymin, xmax, ymax }: Box): string {
  if ((xmax - xmin) * (ymax - ymin) > 0.7) {
    return "fills the picture";
  }
  const across = third((xmin + xmax) / 2, ["left", "", "right"]);
  const down = third((ymin + ymax) / 2, ["top", "", "bottom"]);
  const both = [down, across].filter((word) => word !== "").join(" ");
  return both === "" ? "in the middle" : both;
}

function third(share: number, words: readonly [string, string, string]): string {
  return words[share < 1 / 3 ? 0 : share > 2 / 3 ? 2 : 1];
}

/** Counted by name, best first: "Found: person (2), coffee cup. 1 more below the minimum score." */
export function summary(shown: readonly Detection[], hidden: number, labels: readonly string[]): string {
  if (shown.length === 0) {
    return hidden === 0
      ? "Nothing that the model knows was found."
      : `Nothing above the minimum score; ${hidden} below it.`;
  }
  const counts = new Map<string, number>();
  for (const { label } of shown) {
    const name = nameOf(label, labels);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
  const below = hidden === 0 ? "" : ` ${hidden} more below the minimum score.`;
  return `Found: ${names.join(", ")}.${below}`;
}

export function nameOf(label: number, labels: readonly string[]): string {
  return (labels[label] ?? `class ${label}`).toLowerCase();
}

export function scaledHint({ width, height, scaledFrom }: Picture): string | null {
  return scaledFrom === null
    ? null
    : `The picture was too large for the service and was scaled in the browser, from ${scaledFrom.width} x ${scaledFrom.height} to ${width} x ${height} pixels.`;
}

/** Of the model; null: not told. */
export interface Versions {
  readonly service: string | null;
  readonly device: string | null;
}

export function agreementWords(agreement: Agreement, { service, device }: Versions): string {
  const words = comparison(agreement);
  return service === null || device === null || service === device
    ? words
    : `${words} The service runs version ${service} of the model, this device version ${device}.`;
}

function comparison({ same, onlyFirst, onlySecond, overlap }: Agreement): string {
  if (onlyFirst + onlySecond === 0) {
    return same === 0
      ? "Service and device agree: nothing above the minimum score."
      : `Service and device agree on ${things(same)}; their boxes overlap by ${percent(overlap)}.`;
  }
  const parts = [`both found ${things(same)}`];
  if (onlyFirst > 0) {
    parts.push(`the service ${onlyFirst} more`);
  }
  if (onlySecond > 0) {
    parts.push(`this device ${onlySecond} more`);
  }
  return `Service and device differ: ${parts.join(", ")}.`;
}

function things(count: number): string {
  return count === 1 ? "1 thing" : `${count} things`;
}
