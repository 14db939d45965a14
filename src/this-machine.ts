import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/**
 * Where the kernel lists the addresses of this network namespace: IPv4 among its routes, IPv6 in a table of their own,
 * which is not there where IPv6 is turned off. Source: proc_pid_net(5).
 */
const tables = { inet4: "/proc/self/net/fib_trie", inet6: "/proc/self/net/if_inet6" } as const;

/** A router's table would take a hook long to read. */
const mostBytes = 65_536;

/** This machine's name; null where the kernel does not say. */
export function hostName(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/hostname", "utf8").trim();
  } catch {
    return null;
  }
}

/**
 * Addresses of this machine, and networks that it takes for its own as a whole; null where the kernel does not say, or
 * says too much.
 */
export function localAddresses(): readonly string[] | null {
  const routes = linesOf(tables.inet4);
  if (routes === null) return null;
  return [...localRoutes(routes), ...(linesOf(tables.inet6) ?? []).map(grouped)];
}

/** Below each `|-- ADDRESS` stands a line for each route to it, as `/32 host LOCAL`. */
function localRoutes(lines: readonly string[]): string[] {
  const found = new Set<string>();
  let address = "";
  for (const line of lines) {
    if (line.includes("|-- ")) address = line.slice(line.indexOf("|-- ") + 4);
    else if (line.endsWith(" host LOCAL")) found.add(`${address}${line.trim().split(" ", 1)[0]}`);
  }
  return [...found];
}

/** An address in 32 digits begins the line. */
function grouped(line: string): string {
  return [0, 4, 8, 12, 16, 20, 24, 28].map((at) => line.slice(at, at + 4)).join(":");
}

/** The lines of a file of the kernel's; null where it is not there, or as long as `mostBytes`. */
function linesOf(path: string): readonly string[] | null {
  const buffer = Buffer.allocUnsafe(mostBytes);
  try {
    const file = openSync(path, "r");
    try {
      let length = 0;
      // The kernel hands out a page at a time.
      for (let got = -1; got !== 0 && length < mostBytes; length += got)
        got = readSync(file, buffer, length, mostBytes - length, null);
      return length < mostBytes ? buffer.toString("latin1", 0, length).trimEnd().split("\n") : null;
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}
