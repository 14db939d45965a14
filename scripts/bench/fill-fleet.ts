import { Database } from "bun:sqlite";
import { joinHolds } from "../../src/core/member.ts";
import { openFleet } from "../../src/journal/postgres/fleet.ts";
import type { Server } from "../../src/journal/postgres/session.ts";
import { openSpool } from "../../src/journal/spool.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import type { FleetHost } from "../../test/support/fleet-host.ts";

export interface FillOptions {
  readonly hosts: readonly FleetHost[];
  /** Holds of each host, of the same addresses. */
  readonly count: number;
}

/** Has every host hold the same addresses, and all of them delivered; the first courier is to compare the edge. */
export async function fillFleet(
  edge: FakeCloudflare,
  server: Server,
  { hosts, count }: FillOptions,
): Promise<void> {
  const networks = Array.from({ length: count }, (_, index) => networkOf(index));
  await using fleet = await openFleet(server, { name: "web", now: Date.now });
  for (const { name: host, spoolPath } of hosts) {
    using own = openSpool(spoolPath);
    fillSpool(spoolPath, host, networks);
    await joinHolds({ host, own, fleet, now: Date.now });
  }
  const known = networks.map((network) => {
    const { id } = edge.plant(edge.zone.scope, { value: network, notes: "Fail2Ban sshd host:web" });
    return { network, row: { id, mode: "block", owned: true } as const };
  });
  await fleet.record(`zone:${edge.zone.id}`, "", known);
  for (
    let due = await fleet.due("", Date.now(), 1_000);
    due.length > 0;
    due = await fleet.due("", Date.now(), 1_000)
  )
    await fleet.settle(due.map(({ pending }) => pending.generation));
  await fleet.setFact("synced_at", "0");
}

export function networkOf(number: number): string {
  return `2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`;
}

/** What so many bans have left in a host's own journal; recorded one by one they would take minutes. */
function fillSpool(path: string, host: string, networks: readonly string[]): void {
  using db = new Database(path, { readwrite: true, strict: true });
  const hold = db.query(
    `INSERT INTO holds (profile, network, jail, host, address, family, mode, held_at)
     VALUES ('', $network, 'sshd', $host, $network, 'inet6', 'block', $now)`,
  );
  const mark = db.query(
    "INSERT INTO pending (profile, network, ban, since_at) VALUES ('', $network, 1, $now)",
  );
  db.transaction(() => {
    for (const network of networks) {
      hold.run({ network, host, now: Date.now() });
      mark.run({ network, now: Date.now() });
    }
  })();
}
