import { mustRun } from "../../test/support/program.ts";

/**
 * Has a program be read from disk again, with the libraries that it loads, as after a reboot. What was just written or
 * copied may lie in memory in larger pieces, of which a start needs fewer page faults (seen with ext4 of Linux 6.18): it would
 * look faster than it is from then on. Files that some process has mapped stay as they are.
 */
export async function readAnew(program: string): Promise<void> {
  const paths = [program, ...(await librariesOf(program))];
  await mustRun(["sync", ...paths]);
  for (const path of paths) await mustRun(["dd", `if=${path}`, "iflag=nocache", "count=0", "status=none"]);
}

async function librariesOf(program: string): Promise<readonly string[]> {
  const loaded = await mustRun(["ldd", program]);
  return [...loaded.matchAll(/(?:=> |^\t)(\/\S+) \(/gm)].flatMap(([, path]) => path ?? []);
}
