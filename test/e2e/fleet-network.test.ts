import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "../../src/journal/postgres/session.ts";
import { binaryPath } from "../support/binary.ts";
import { selfSigned } from "../support/certificates.ts";
import { fail2banServer } from "../support/fail2ban.ts";
import type { Fail2ban } from "../support/fail2ban.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fleetHost } from "../support/fleet-host.ts";
import type { FleetHost } from "../support/fleet-host.ts";
import { databaseAddress, fleetNetwork } from "../support/fleet-network.ts";
import type { Place } from "../support/fleet-network.ts";
import { networkTest } from "../support/network.ts";
import { postgres } from "../support/postgres.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

const deadlineMs = 60_000;
const jail = "web";

/** A host with a network namespace and a fail2ban of its own. */
interface Member extends FleetHost {
  readonly place: Place;
  readonly fail2ban: Fail2ban;
}

interface Fleet extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  readonly hosts: readonly Member[];
  blocked(addresses: Iterable<string>): Promise<void>;
  story(): string;
}

/** Three hosts, each in a network of its own, and a database that they reach with TLS. */
async function fleet(): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare());
  const { places } = stack.use(await fleetNetwork(3, edge));
  const root = stack.use(tempRoot());
  const tls = await selfSigned(root, databaseAddress);
  const pg = stack.use(await postgres({ listen: databaseAddress, tls }));
  root.write("authority.pem", tls.cert);
  const server: Server = {
    ...(await pg.database()),
    host: databaseAddress,
    tls: "verify-full",
    caFile: root.at("authority.pem"),
  };
  const hosts: Member[] = [];
  for (const [index, place] of places.entries()) {
    const fail2ban = stack.use(await fail2banServer({ inside: place.inside }));
    const host = stack.use(
      await fleetHost(`web${index + 1}`, edge, server, {
        place,
        config: { fail2ban: JSON.stringify(fail2ban.directory) },
      }),
    );
    await configure(fail2ban, host);
    await fail2ban.start();
    hosts.push({ ...host, place, fail2ban });
  }
  const story = (): string =>
    [
      `blocked: ${edge.blocked().join(" ")}`,
      ...hosts.map((host) => `${host.name}:\n${host.fail2ban.log()}\n${host.log()}`),
      pg.log(),
    ].join("\n");
  const owned = stack.move();
  return {
    edge,
    hosts,
    story,
    async blocked(addresses) {
      const wanted = JSON.stringify([...addresses].toSorted());
      await until(() => JSON.stringify(edge.blocked()) === wanted, {
        deadlineMs,
        what: () => `${wanted} at the edge\n${story()}`,
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function configure(fail2ban: Fail2ban, host: FleetHost): Promise<void> {
  const action = join(import.meta.dir, "../../src/fail2ban/action.d/cloudflare.conf");
  fail2ban.write("action.d/cloudflare.conf", readFileSync(action, "utf8"));
  fail2ban.write(
    "action.d/cloudflare.local",
    `[Init]\ncfbin = ${await binaryPath()}\ncfconf = ${host.configPath}\n`,
  );
  host.root.write("error.log", "");
  fail2ban.write(
    "jail.d/web.conf",
    `[${jail}]
enabled = true
backend = auto
filter = nginx-limit-req
logpath = ${host.root.at("error.log")}
bantime = 3600
action = cloudflare
`,
  );
}

networkTest(
  "three fail2bans share one rule for an address, and what one bans while it is cut off comes later",
  async () => {
    await using web = await fleet();
    const [one, two, three] = web.hosts;
    if (one === undefined || two === undefined || three === undefined) throw new Error("there are not three");
    for (const { fail2ban } of web.hosts) await fail2ban.banip(jail, "203.0.113.7");
    await web.blocked(["203.0.113.7"]);
    const rules = web.edge.rules();
    expect(rules).toMatchObject([{ notes: `Fail2Ban ${jail} host:web` }]);
    await until(async () => (await one.list()).length === 3, { deadlineMs, what: web.story });

    await two.place.cut();
    await two.fail2ban.banip(jail, "203.0.113.20", "203.0.113.21");
    await two.fail2ban.unbanip(jail, "203.0.113.21");
    await one.fail2ban.unbanip(jail, "203.0.113.7");
    await three.fail2ban.unbanip(jail, "203.0.113.7");
    await three.fail2ban.banip(jail, "203.0.113.30");
    // The courier may have been on the host that is cut off: then it takes until the database has noticed.
    await web.blocked(["203.0.113.7", "203.0.113.30"]);
    expect(web.edge.rules().filter(({ id }) => rules.some((rule) => rule.id === id))).toEqual(rules);

    await two.place.mend();
    await web.blocked(["203.0.113.7", "203.0.113.20", "203.0.113.30"]);
    await two.fail2ban.unbanip(jail, "203.0.113.7", "203.0.113.20");
    await web.blocked(["203.0.113.30"]);
    for (const { fail2ban } of web.hosts) expect(fail2ban.log()).not.toContain("ERROR");
    expect(web.edge.violations).toEqual([]);
  },
  240_000,
);

/** How long the partition lasts: longer than it takes to notice it. */
const partitionMs = Number(process.env["FLEET_PARTITION_MS"] ?? 20_000);

networkTest(
  "after a time of load in which the courier's host was cut off, the edge is the union of what is held",
  async () => {
    await using web = await fleet();
    const held = new Map(web.hosts.map((host) => [host, new Set<string>()]));
    const addresses = Array.from({ length: 30 }, (_, index) => `203.0.113.${100 + index}`);
    const change = async (host: Member): Promise<void> => {
      const own = held.get(host) ?? new Set();
      const address = addresses[Math.floor(Math.random() * addresses.length)] ?? "";
      const verb = own.has(address) ? "unban" : "ban";
      await host.hook(`${verb} ${address} --jail load`);
      if (verb === "ban") own.add(address);
      else own.delete(address);
    };
    const delivers = () => web.hosts.find((host) => host.log().includes("] Ban "));
    for (const host of web.hosts) await change(host);
    const courier = await until(delivers, { deadlineMs, what: web.story });
    const others = web.hosts.filter((host) => host !== courier);
    const [other] = others;
    if (other === undefined) throw new Error("there is no other host");

    // Slow, so that changes come together: the budget's calls last for the whole minute.
    web.edge.latencyMs = 1_000;
    await courier.place.cut();
    const cutAt = performance.now();
    let tookOverMs = Number.POSITIVE_INFINITY;
    let changes = 0;
    while (performance.now() - cutAt < partitionMs) {
      for (const host of web.hosts) await change(host);
      changes += web.hosts.length;
      if (others.some((host) => host.log().includes("] Ban ")))
        tookOverMs = Math.min(tookOverMs, performance.now() - cutAt);
    }
    web.edge.latencyMs = 0;
    await courier.place.mend();
    console.log(
      `${changes} changes, ${web.edge.calls.length} calls; another host took over after ${Math.round(tookOverMs)} ms`,
    );
    expect(tookOverMs).toBeLessThan(partitionMs);
    await web.blocked(new Set([...held.values()].flatMap((own) => [...own])));
    const listed = await until(
      async () => {
        const holds = await other.list();
        return holds.length === [...held.values()].reduce((sum, own) => sum + own.size, 0) ? holds : null;
      },
      { deadlineMs, what: web.story },
    );
    for (const [{ name }, own] of held) {
      const theirs = listed.filter(({ host }) => host === name).map(({ address }) => address);
      expect(theirs.toSorted()).toEqual([...own].toSorted());
    }
    expect(web.edge.violations).toEqual([]);
  },
  360_000,
);
