/** Has one work at a time done, in the order in which they are asked for. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** The turns of whatever has the name. */
export function turnsByName(): (name: string) => Turns {
  const all = new Map<string, Turns>();
  return (name) => all.getOrInsertComputed(name, turns);
}

export function turns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
