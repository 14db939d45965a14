import { closest } from "fastest-levenshtein";

/** The known word that looks most like the given one. */
export function nearest(word: string, known: readonly string[]): string {
  return closest(word, known);
}
