/** What a function returned or threw the first time, each time. */
export function once<Value>(make: () => Value): () => Value {
  const made = each((_: null) => make());
  return () => made(null);
}

/** The same for each argument. */
export function each<Argument, Value>(make: (argument: Argument) => Value): (argument: Argument) => Value {
  const made = new Map<Argument, { readonly value: Value } | { readonly thrown: unknown }>();
  return (argument) => {
    const outcome = made.getOrInsertComputed(argument, () => {
      try {
        return { value: make(argument) };
      } catch (thrown) {
        return { thrown };
      }
    });
    if ("thrown" in outcome) throw outcome.thrown;
    return outcome.value;
  };
}
