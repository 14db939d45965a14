/** The methods of a port without their promises: SQLite answers at once, `openSqlite` makes them asynchronous. */
export type Sync<Port> = {
  [K in keyof Port]: Port[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};
