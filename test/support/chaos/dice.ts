/** Chance that can be repeated: the same seed rolls the same numbers. */
export interface Dice {
  chance(probability: number): boolean;
  /** From `least` to `most`, both possible. */
  whole(least: number, most: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** Some of the items, in their order. */
  some<Item>(items: readonly Item[], probability: number): Item[];
  /** Dice of their own: what one part of a plan rolls does not change what another does. */
  apart(name: string): Dice;
}

export function dice(seed: string): Dice {
  const next = numbers(Number(Bun.hash(seed) & 0xffff_ffffn));
  const whole = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    chance: (probability) => next() < probability,
    whole,
    pick(items) {
      const item = items[whole(0, items.length - 1)];
      if (item === undefined) throw new Error("Cannot pick: there is nothing to pick from");
      return item;
    },
    some: (items, probability) => items.filter(() => next() < probability),
    apart: (name) => dice(`${seed}/${name}`),
  };
}

/** Numbers from 0 up to, not including, 1. Source: the public-domain generator mulberry32. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
