import { expect, test } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import { visitOf } from "../../src/core/visit.ts";
import { openFleet } from "../../src/journal/postgres/fleet.ts";
import { openSpool } from "../../src/journal/spool.ts";
import { describePostgres } from "../support/postgres-tests.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

const address = parseAddress("203.0.113.7");
const holder = { profile: "", jail: "sshd", host: "web1" };

describePostgres("a host in touch with its fleet", (pg) => {
  /** A host with one ban of 203.0.113.7, which its fleet has been told of, and a clock of its own. */
  async function visitor(deliver: () => Promise<void> = async () => {}) {
    await using stack = new AsyncDisposableStack();
    const root = stack.use(tempRoot());
    const server = await pg().database();
    const clock = { now: Date.now() };
    const now = (): number => clock.now;
    const own = stack.use(openSpool(root.at("own.db")));
    const fleet = stack.use(await openFleet(server, { name: "web", now }));
    const member = { host: "web1", own, fleet, now };
    const visit = stack.use(visitOf({ profiles: [""], deliver, now }, member, new AbortController().signal));
    await own.hold({ ...holder, address, networks: [address], mode: "block", untilAt: null }, now());
    await visit.look(true);
    const owned = stack.move();
    return { server, clock, own, fleet, visit, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  test("what a database that was set back has forgotten is told again within a minute", async () => {
    await using host = await visitor();
    expect(await host.fleet.heldFor("web1")).toHaveLength(1);
    await pg().psql(host.server.database, "TRUNCATE fail2ban_cloudflare.holds");
    host.clock.now += 60_000;
    await host.visit.look(true);
    expect(await host.fleet.heldFor("web1")).toMatchObject([{ jail: "sshd", network: "203.0.113.7" }]);
  });

  test("a renewal is told without a delivery, and a hold that ended is let go of", async () => {
    await using host = await visitor();
    await host.fleet.settle(
      (await host.fleet.due("", Date.now(), 9)).map(({ pending }) => pending.generation),
    );
    const untilAt = host.clock.now + 60_000;
    await host.own.hold({ ...holder, address, networks: [address], mode: "block", untilAt }, host.clock.now);
    await host.visit.look(false);
    const [held] = await host.fleet.heldFor("web1");
    expect(held?.untilAt).toBe(untilAt + host.fleet.aheadMs());
    expect(await host.fleet.due("", Date.now(), 9)).toEqual([]);
    await host.own.release(holder, address, host.clock.now);
    await host.visit.look(false);
    expect(await host.fleet.heldFor("web1")).toEqual([]);
    expect((await host.fleet.due("", Date.now(), 9)).map(({ wants }) => wants)).toEqual([[]]);
  });

  test("what Cloudflare rejects is said by the hooks of every host, until it is over", async () => {
    await using host = await visitor();
    const pause = { kind: "rejected", reason: "no", sinceAt: 1, untilAt: 2, failures: 1 } as const;
    await host.fleet.setPause("profile:/credential", pause);
    host.clock.now += 10_000;
    await host.visit.look(true);
    expect(await host.own.shout(holder, host.clock.now, 1)).toMatchObject({ reason: "no" });
    await host.fleet.setPause("profile:/credential", null);
    host.clock.now += 10_000;
    await host.visit.look(true);
    expect(await host.own.shout(holder, host.clock.now, 1)).toBeNull();
  });

  test("it delivers when something is due and nobody else does, and not while another is at work", async () => {
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    let deliveries = 0;
    await using host = await visitor(() => {
      deliveries += 1;
      return done;
    });
    await using other = await openFleet(host.server, { name: "web", now: Date.now });
    await host.visit.look(true);
    expect([deliveries, await other.lead()]).toEqual([1, false]);
    finish();
    await until(() => other.lead(), { what: "the end of the first courier" });
    const lookLater = async (): Promise<number> => {
      host.clock.now += 10_000;
      await host.visit.look(true);
      return deliveries;
    };
    expect([await lookLater(), await lookLater()]).toEqual([1, 1]);
    await other.follow();
    // The first may not quite have come to its end, and then counts from that moment.
    await until(async () => (await lookLater()) === 2, { what: "the second courier" });
  });
});
