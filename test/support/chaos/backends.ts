import { accessRules } from "./access-rules.ts";
import type { Backend } from "./backend.ts";
import { lists } from "./lists.ts";

export const backends: readonly Backend[] = [accessRules, lists];

/** The backend that the configuration calls so. */
export function backendNamed(wanted: string): Backend {
  const backend = backends.find(({ name }) => name === wanted);
  if (backend !== undefined) return backend;
  const names = backends.map(({ name }) => name).join(", ");
  throw new Error(`Cannot use backend "${wanted}": not one of ${names}`);
}
