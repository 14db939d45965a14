import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/**
 * Variables of the environment by which Bun becomes another program, takes options, waits for a debugger, or writes a
 * file. No flag of the build switches them off; docs/decisions/0050.
 */
export const closedVariables = [
  "BUN_BE_BUN",
  "BUN_OPTIONS",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_PRELOAD",
  "BUN_BYTECODE_DIGEST_OUT",
  "BUN_BYTECODE_ORDER_NAMES_OUT",
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_CONFIG_VERBOSE_FETCH",
] as const;

/** Takes these variables' names out of the Bun in a binary: "=" stands in their place, which no name can hold. */
export function closeVariables(binary: string): void {
  const bytes = readFileSync(binary);
  const places = closedVariables.map((name) => placeOf(bytes, name));
  const file = openSync(binary, "r+");
  try {
    for (const place of places) writeSync(file, "=", place);
  } finally {
    closeSync(file);
  }
}

/** Where a name stands as a C string; another Bun may hold it otherwise, and then somebody has to look. */
function placeOf(bytes: Buffer, name: string): number {
  const before = bytes.indexOf(`\0${name}\0`);
  const isOnly = before >= 0 && bytes.indexOf(`\0${name}\0`, before + 1) < 0;
  if (!isOnly) throw new Error(`Cannot close ${name} in this Bun: its name does not stand there just once`);
  return before + 1;
}
