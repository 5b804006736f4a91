/** What the page and the worker that runs the model say to each other. */

import type { Detection } from "../detection/boxes";
import type { DetectorSpec } from "../detection/spec";

export type Request =
  | { readonly id: number; readonly do: "load"; readonly model: ArrayBuffer; readonly spec: DetectorSpec }
  | { readonly id: number; readonly do: "detect"; readonly picture: Blob; readonly minScore: number };

export interface Found {
  readonly detections: readonly Detection[];
  /** From the JPEG's bytes to the boxes. */
  readonly milliseconds: number;
}

export type Reply =
  | { readonly id: number; readonly kind: "loaded" }
  | { readonly id: number; readonly kind: "found"; readonly found: Found }
  | {
      readonly id: number;
      readonly kind: "failed";
      readonly why: "runtime-failed" | "model-unknown" | "device-failed";
      readonly said: string;
    };
