import type { FactLedger } from "../../core/journal.ts";
import type { Run } from "./session.ts";

/** Small things that the fleet remembers. */
export function factLedger(run: Run): FactLedger {
  return {
    async fact(name) {
      const [row] = await run<{ value: string }>("SELECT value FROM facts WHERE name = $1", [name]);
      return row?.value ?? null;
    },
    async setFact(name, value) {
      await run(
        "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2",
        [name, value],
      );
    },
  };
}
