import { modes } from "../core/hold.ts";
import type { Mode } from "../core/hold.ts";

/** Longest first: "_challenge" ends two others as well. */
const suffixes = modes.filter((mode) => mode !== "block").toSorted((a, b) => b.length - a.length);

/** One list for each mode, as its rule does one thing with all that is in it; that of "block" has the plain name. */
export function listOfMode(name: string, mode: Mode): string {
  return mode === "block" ? name : `${name}_${mode}`;
}

/** The mode of a list by its name. */
export function modeOfList(name: string): Mode {
  return suffixes.find((mode) => name.endsWith(`_${mode}`)) ?? "block";
}
