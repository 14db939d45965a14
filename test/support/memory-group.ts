import { existsSync, mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Processes that together get only so much memory. */
export interface MemoryGroup extends Disposable {
  /** The start of a command line that runs a program, and all that it starts, in the group. */
  readonly launcher: readonly string[];
}

/** Of either version of control groups. */
const first = "/sys/fs/cgroup/memory";
const [groups, limit] = existsSync(first)
  ? [first, "memory.limit_in_bytes"]
  : ["/sys/fs/cgroup", "memory.max"];

export function memoryGroup(bytes: number): MemoryGroup {
  const directory = mkdtempSync(join(groups, "fail2ban-cloudflare-test-"));
  writeFileSync(join(directory, limit), String(bytes));
  const enter = 'echo $$ > "$0" && exec "$@"';
  return {
    launcher: ["sh", "-c", enter, join(directory, "cgroup.procs")],
    [Symbol.dispose]: () => rmdirSync(directory),
  };
}
