import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";

/**
 * Where the kernel lists the addresses of this network namespace: IPv4 among its routes, IPv6 in a table of their own,
 * which is not there where IPv6 is turned off. Source: Linux, net/ipv4/fib_trie.c and net/ipv6/addrconf.c.
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

/** Addresses of this machine; null where the kernel does not say, or says too much. */
export function localAddresses(): readonly string[] | null {
  try {
    return [...localRoutes(linesOf(tables.inet4)), ...ipv6Addresses()];
  } catch {
    return null;
  }
}

/**
 * Below each `|-- ADDRESS` stands a line for each route to it, as `/32 host LOCAL`. Whole networks are left out: a
 * transparent proxy has a table by which everything is local.
 */
function localRoutes(lines: readonly string[]): string[] {
  const found = new Set<string>();
  let address = "";
  for (const line of lines) {
    if (line.includes("|-- ")) address = line.slice(line.indexOf("|-- ") + 4);
    else if (line.endsWith("/32 host LOCAL")) found.add(address);
  }
  return [...found];
}

/** An address in 32 digits begins each line. */
function ipv6Addresses(): string[] {
  if (!existsSync(tables.inet6)) return [];
  return linesOf(tables.inet6).map((line) =>
    [0, 4, 8, 12, 16, 20, 24, 28].map((at) => line.slice(at, at + 4)).join(":"),
  );
}

/** The lines of a file of the kernel's; throws where it is as long as `mostBytes`. */
function linesOf(path: string): readonly string[] {
  const buffer = Buffer.allocUnsafe(mostBytes);
  const file = openSync(path, "r");
  try {
    let length = 0;
    // The kernel hands out a page at a time.
    for (let got = -1; got !== 0; length += got) {
      got = readSync(file, buffer, length, mostBytes - length, null);
      if (length + got === mostBytes) throw new Error(`"${path}" is too long`);
    }
    const lines = buffer.toString("latin1", 0, length).split("\n");
    return lines.filter((line) => line !== "");
  } finally {
    closeSync(file);
  }
}
