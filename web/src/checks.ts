/** Reading JSON that somebody else wrote: each function returns its value with a type, or throws a sentence that names the field. */

export type Fields = Readonly<Record<string, unknown>>;

export class Unexpected extends Error {}

export function fields(value: unknown, where: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Fields;
  }
  throw new Unexpected(`${where} is not an object`);
}

export function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) {
    return value;
  }
  throw new Unexpected(`${where} is not a list`);
}

export function text(value: unknown, where: string): string {
  if (typeof value === "string" && value !== "") {
    return value;
  }
  throw new Unexpected(`${where} is not a text, or is empty`);
}

export function number(value: unknown, where: string): number {
  if (typeof value === "number" && Number.isFinite(value)) {
    return value;
  }
  throw new Unexpected(`${where} is not a number`);
}

export function flag(value: unknown, where: string): boolean {
  if (typeof value === "boolean") {
    return value;
  }
  throw new Unexpected(`${where} is neither true nor false`);
}
