import { readlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { needing } from "./needing.ts";
import { mustRun, runProgram, startProgram } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** The server's addresses: those of the test itself. */
export const server = { ipv4: "203.0.113.1", ipv6: "2001:db8::1" } as const;

/** Clients with any documentation address, on a wire to the test's own network namespace. One at a time. */
export interface Network extends AsyncDisposable {
  /** A request over the wire; "refused" is what the firewall says. */
  request(from: string, options?: RequestOptions): Promise<number | "refused">;
  /** Several, one after another. */
  requests(count: number, from: string, options?: RequestOptions): Promise<(number | "refused")[]>;
  /** The chains that fail2ban made, as iptables and ip6tables list them. */
  firewall(): Promise<string[]>;
  /** The addresses that the firewall rejects for a jail. */
  rejected(jail: string): Promise<string[]>;
}

export interface RequestOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What scripts/test.sh calls the loopback of the namespace that it makes. */
const mark = "fail2ban-cloudflare-test";

const programs = ["fail2ban-server", "nginx", "iptables", "ip6tables", "ip", "nsenter", "unshare", "curl"];

/** Why the real programs must not run here; null where they may. */
export const obstacle: string | null = findObstacle();

/** A test with real programs. */
export const networkTest = needing(obstacle === null ? null : `${obstacle}: use scripts/test.sh`, 60_000);

export async function network(): Promise<Network> {
  if (obstacle !== null) throw new Error(obstacle);
  const temporary = tempRoot();
  await mustRun(["ip", "link", "set", "lo", "up"]);
  const clients = startProgram(["unshare", "--net", "sleep", "infinity"], temporary.at("output"));
  const inside = ["nsenter", `--net=/proc/${clients.pid}/ns/net`];
  const ip = (...words: readonly string[]) => mustRun(["ip", ...words]);
  const clientIp = (...words: readonly string[]) => mustRun([...inside, "ip", ...words]);
  const known = new Set<string>();

  const own = readlinkSync("/proc/self/ns/net");
  await until(() => clients.isRunning && readlinkSync(`/proc/${clients.pid}/ns/net`) !== own, {
    what: () => `a network namespace for the clients: ${clients.output()}`,
  });
  const [here, there] = ["to-clients", "to-server"];
  await ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", String(clients.pid));
  await ip("link", "set", here, "up");
  await clientIp("link", "set", there, "up");
  await ip("address", "add", `${server.ipv4}/24`, "dev", here);
  await ip("address", "add", `${server.ipv6}/32`, "dev", here, "nodad");
  for (const others of ["192.0.2.0/24", "198.51.100.0/24"]) await ip("route", "add", others, "dev", here);

  /** The client side has an address as soon as it is used. */
  const meet = async (address: string): Promise<void> => {
    if (known.has(address)) return;
    const [length, extra] = address.includes(":") ? [128, ["nodad"]] : [32, []];
    await clientIp("address", "add", `${address}/${length}`, "dev", there, ...extra);
    if (![...known].some((other) => other.includes(":") === address.includes(":"))) {
      await clientIp("route", "add", address.includes(":") ? server.ipv6 : server.ipv4, "dev", there);
    }
    known.add(address);
  };

  const request: Network["request"] = async (from, { path = "/", headers = {} } = {}) => {
    await meet(from);
    const host = from.includes(":") ? `[${server.ipv6}]` : server.ipv4;
    const { code, stdout, stderr } = await runProgram([
      ...inside,
      "curl",
      "--silent",
      "--show-error",
      "--globoff",
      "--max-time",
      "5",
      "--noproxy",
      "*",
      "--interface",
      from,
      ...Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_code}",
      `http://${host}${path}`,
    ]);
    if (code === 0) return Number(stdout);
    // curl's 7: it could not connect.
    if (code === 7) return "refused";
    throw new Error(`curl from ${from} ended with ${code}: ${stderr}`);
  };

  const firewall = async (): Promise<string[]> => {
    const listings = await Promise.all([mustRun(["iptables", "-S"]), mustRun(["ip6tables", "-S"])]);
    return listings.flatMap((listing) => listing.split("\n").filter((line) => line.includes("f2b-")));
  };

  return {
    request,
    firewall,
    async requests(count, from, options) {
      const answers: (number | "refused")[] = [];
      for (let sent = 0; sent < count; sent += 1) answers.push(await request(from, options));
      return answers;
    },
    async rejected(jail) {
      const rules = (await firewall()).map((line) => /^-A (\S+) -s (\S+) -j REJECT/.exec(line));
      return rules
        .filter((rule) => rule?.[1] === `f2b-${jail}`)
        .map((rule) => (rule?.[2] ?? "").replace(/\/(32|128)$/, ""))
        .toSorted();
    },
    async [Symbol.asyncDispose]() {
      // The wire goes with the namespace at its other end.
      await clients.end("SIGKILL");
      for (const program of ["iptables", "ip6tables"]) {
        await mustRun([program, "-F"]);
        await mustRun([program, "-X"]);
      }
      await until(() => networkInterfaces()[here] === undefined, { what: "the end of the wire" });
      temporary[Symbol.dispose]();
    },
  };
}

/** Only a network namespace that was made for tests may be filled with addresses and firewall rules. */
function findObstacle(): string | null {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = programs.filter(
    (program) => Bun.which(program, { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) === null,
  );
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  const { stdout } = Bun.spawnSync(["ip", "-oneline", "link"], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  const links = stdout.toString().trim().split("\n");
  if (links.some((link) => link.includes("<") && !link.includes("LOOPBACK") && /[<,]UP[,>]/.test(link)))
    return "needs a network namespace of its own";
  if (links.some((link) => link.includes(`alias ${mark}`))) return null;
  const [own, first] = [namespaceOf("self"), namespaceOf("1")];
  if (own === null || own === first) return "needs a network namespace of its own";
  return null;
}

function namespaceOf(process: string): string | null {
  try {
    return readlinkSync(`/proc/${process}/ns/net`);
  } catch {
    return null;
  }
}
