import { expect, test } from "bun:test";
import type { Changed, FleetJournal, JoinedHold } from "../../src/core/fleet.ts";
import type { Grace } from "../../src/core/journal.ts";
import { Failure } from "../../src/errors.ts";
import { openFleet } from "../../src/journal/postgres/fleet.ts";
import { connect } from "../../src/journal/postgres/session.ts";
import type { Server } from "../../src/journal/postgres/session.ts";
import { patientFleetCourier } from "../../src/commands/fleet/courier.ts";
import { loadConfig } from "../../src/config.ts";
import { openFleetJournal } from "../../src/wire/fleet.ts";
import { Secret } from "../../src/secret.ts";
import { urlOf } from "../support/fleet-host.ts";
import { describePostgres } from "../support/postgres-tests.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

const hour = 3_600_000;
const grace: Grace = { slackMs: 60_000, restartMs: 1, stillBannedUntil: () => Number.POSITIVE_INFINITY };

let generations = 0;

/** A host's holds of one network, as its own journal tells them. */
function changed(network: string, ...holds: readonly Partial<JoinedHold>[]): Changed {
  const common = { profile: "", network };
  const whole = {
    jail: "sshd",
    address: network,
    mode: "block",
    heldAt: 1,
    untilAt: null,
    releaseAt: null,
  } as const;
  generations += 1;
  return {
    ...common,
    generation: generations,
    ban: holds.length > 0,
    holds: holds.map((hold) => ({ ...common, ...whole, ...hold })),
  };
}

/** A configuration that names this database, and a runtime that does not wait. */
function configured(root: TempRoot, server: Server) {
  const text = `journal = ${JSON.stringify(urlOf(server))}\n[fleet]\nname = "web"\n`;
  root.write("config.toml", text, 0o600);
  const runtime = testRuntime({ root: root.path, sleep: () => Bun.sleep(1) });
  const config = loadConfig(runtime, root.at("config.toml"));
  if (config.fleet === null) throw new Error("there is no fleet");
  return { runtime, config, fleet: config.fleet };
}

function endSessions({ database }: Server): string {
  return `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;
}

async function due(fleet: FleetJournal): Promise<string[]> {
  return (await fleet.due("", Date.now() + hour, 100)).map(({ pending }) => pending.network.text);
}

async function settleAll(fleet: FleetJournal): Promise<void> {
  const all = await fleet.due("", Date.now() + hour, 100);
  await fleet.settle(all.map(({ pending }) => pending.generation));
}

describePostgres("a fleet's journal", (pg) => {
  const open = (server: Server, now: () => number = Date.now) => openFleet(server, { name: "web", now });

  test("a network becomes pending only where a host holds something else of it", async () => {
    await using fleet = await open(await pg().database());
    await fleet.join("web1", () => [
      changed("203.0.113.7", {}),
      changed("203.0.113.8", {}, { jail: "nginx" }),
    ]);
    expect(await due(fleet)).toEqual(["203.0.113.7", "203.0.113.8"]);
    await settleAll(fleet);
    await fleet.join("web1", () => [
      changed("203.0.113.7", { untilAt: 5, releaseAt: 4 }),
      changed("203.0.113.8", { jail: "nginx" }),
    ]);
    expect(await due(fleet)).toEqual(["203.0.113.8"]);
    await settleAll(fleet);
    await fleet.join("web2", () => [changed("203.0.113.7", { mode: "challenge" })]);
    await fleet.join("web1", () => [changed("203.0.113.7", { mode: "challenge" }), changed("203.0.113.8")]);
    expect(
      (await fleet.due("", Date.now() + hour, 9)).map(({ wants }) => wants.map(({ mode }) => mode)),
    ).toEqual([["challenge", "challenge"], []]);
    expect((await fleet.heldFor("web1")).map(({ network, mode }) => [network, mode])).toEqual([
      ["203.0.113.7", "challenge"],
    ]);
  });

  test("what a host holds is read when nobody else can join, so that the newest is what stays", async () => {
    const server = await pg().database();
    await using first = await open(server);
    await using second = await open(server);
    let untilAt = 0;
    const read = () => [changed("203.0.113.7", { untilAt: (untilAt += 1) })];
    const joins = Array.from({ length: 100 }, (_, index) =>
      (index % 2 === 0 ? first : second).join("web1", read),
    );
    await Promise.all(joins);
    expect((await first.heldFor("web1")).map((hold) => hold.untilAt)).toEqual([untilAt]);
  });

  test("every change of any host shows, and one's own look is no change", async () => {
    const server = await pg().database();
    await using fleet = await open(server);
    await using other = await open(server);
    const before = await fleet.changes();
    expect(await fleet.changes()).toBe(before);
    await other.join("web2", () => [changed("203.0.113.7", {})]);
    const joined = await fleet.changes();
    expect(joined).not.toBe(before);
    await other.retire("web2");
    expect(await fleet.changes()).not.toBe(joined);
  });

  test("the database's clock counts, whatever the hosts' clocks say", async () => {
    const server = await pg().database();
    await using ahead = await open(server, () => Date.now() + 2 * hour);
    await using behind = await open(server, () => Date.now() - hour);
    expect(Math.abs(ahead.aheadMs() + 2 * hour)).toBeLessThan(5_000);
    expect(Math.abs(behind.aheadMs() - hour)).toBeLessThan(5_000);
    await ahead.join("web1", () => [changed("203.0.113.7", {})]);
    const [host] = await behind.hosts();
    expect(Math.abs((host?.seenAt ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("a host's name and the courier's lock belong to one session, and are free when it ends", async () => {
    const server = await pg().database();
    await using second = await open(server);
    {
      await using first = await open(server);
      expect([await first.enter("web1"), await second.enter("web1")]).toEqual([true, false]);
      expect([await first.enter("web2"), await first.lead(), await second.lead()]).toEqual([
        true,
        true,
        false,
      ]);
      await first.follow();
      expect(await second.lead()).toBe(true);
      await second.follow();
      expect(await first.lead()).toBe(true);
    }
    await until(() => second.lead(), { what: "the courier's lock" });
    await until(() => second.enter("web1"), { what: "the host's name" });
  });

  test("who asks for the courier's place is heard by the others for a while", async () => {
    const server = await pg().database();
    await using courier = await open(server);
    await using other = await open(server);
    const isAsked = async (): Promise<boolean> => {
      await courier.changes();
      return courier.isAsked();
    };
    expect(await isAsked()).toBe(false);
    await other.ask();
    expect(await isAsked()).toBe(true);
    await until(async () => !(await isAsked()), { what: "the end of the asking" });
  });

  test("a session that waits for something else says so again and again, lest the database end it", async () => {
    using root = tempRoot();
    const server = await pg().database();
    const { runtime, config, fleet } = configured(root, server);
    await using _session = await openFleetJournal(runtime, config, fleet);
    const lastSaid = () =>
      pg().psql("postgres", `SELECT query_start FROM pg_stat_activity WHERE datname = '${server.database}'`);
    const first = await lastSaid();
    expect(first).not.toBe("");
    await until(async () => (await lastSaid()) > first, { what: "another word of the session" });
  });

  test("a person's courier that has lost its session is let go of without another failure", async () => {
    using root = tempRoot();
    const server = await pg().database();
    const { runtime, config, fleet } = configured(root, server);
    await using courier = await patientFleetCourier(runtime, config, fleet, () => {});
    // What is booked and not used is to be given back.
    await courier.deliveries[0]?.gate.room(5);
    await courier.deliveries[0]?.gate.admit();
    await pg().psql("postgres", endSessions(server));
    await until(() => courier.member.fleet.over.aborted, { what: "the session's end" });
  });

  test("what hosts tell of their bans is counted together, and goes with a host that is retired", async () => {
    await using fleet = await open(await pg().database());
    const now = Date.now();
    const startAt = Math.floor(now / hour) * hour;
    for (const [host, bans] of [["web1", 2] as const, ["web2", 3] as const]) {
      await fleet.join(host, () => [changed("203.0.113.7", {})]);
      for (const count of [1, bans])
        await fleet.tell(host, {
          jails: [{ profile: "", jail: "sshd", bans: count }],
          hours: [{ jail: "sshd", startAt, bans: count }],
        });
    }
    const view = { jail: "sshd", pending: 2, parked: 0, held: 2, bansOfDay: 5, bansEver: 5 };
    expect(await fleet.jailViews(now)).toEqual([view]);
    expect((await fleet.bansByHour(now)).at(-1)).toBe(5);
    await fleet.retire("web2");
    expect(await fleet.jailViews(now)).toEqual([{ ...view, held: 1, pending: 1, bansOfDay: 2, bansEver: 2 }]);
  });

  test("a courier whose session has ended can record nothing any more", async () => {
    const server = await pg().database();
    await using courier = await open(server);
    expect(await courier.lead()).toBe(true);
    await pg().psql("postgres", endSessions(server));
    const record = () =>
      courier.setFact("a", "b").then(
        () => "recorded",
        (error: Failure) => error.kind,
      );
    expect([await record(), await record()]).toEqual(["unavailable", "unavailable"]);
    expect(courier.over.aborted).toBe(true);
  });

  test("what an absent host holds ends at its time, and what a host that is there holds does not", async () => {
    const server = await pg().database();
    await using fleet = await open(server);
    const now = Date.now();
    const holds = [
      changed("203.0.113.1", { untilAt: now - hour }),
      changed("203.0.113.2", { releaseAt: now - 1 }),
      changed("203.0.113.3", { untilAt: now + hour }),
      changed("203.0.113.4", {}),
    ];
    for (const host of ["web1", "web2"]) await fleet.join(host, () => holds);
    await settleAll(fleet);
    expect([await fleet.nextEndAt(grace.slackMs), await fleet.sweep(now, grace)]).toEqual([null, 0]);
    await pg().psql(
      server.database,
      `UPDATE fail2ban_cloudflare.hosts SET seen_at = seen_at - ${hour} WHERE host = 'web1'`,
    );
    expect(await fleet.nextEndAt(grace.slackMs)).toBe(now - hour + grace.slackMs);
    expect(await fleet.sweep(now, grace)).toBe(2);
    expect((await due(fleet)).toSorted()).toEqual(["203.0.113.1", "203.0.113.2"]);
    expect((await fleet.heldFor("web1")).map(({ network }) => network).toSorted()).toEqual([
      "203.0.113.3",
      "203.0.113.4",
    ]);
    expect(await fleet.heldFor("web2")).toHaveLength(4);
  });

  test("a journal of another fleet, or of a newer version, is refused and left as it is", async () => {
    const server = await pg().database();
    await (await open(server))[Symbol.asyncDispose]();
    const refusal = (name: string) =>
      openFleet(server, { name, now: Date.now }).then(
        () => null,
        (error: Failure) => error,
      );
    expect(await refusal("mail")).toMatchObject({
      kind: "config",
      message: expect.stringContaining('it is the journal of fleet "web"'),
    });
    await pg().psql(
      server.database,
      "UPDATE fail2ban_cloudflare.facts SET value = '99' WHERE name = 'version'",
    );
    expect(await refusal("web")).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("version 99 is from a newer fail2ban-cloudflare"),
    });
  });

  test("hosts that open a new database at once all find it made", async () => {
    const server = await pg().database();
    const opened = await Promise.all(Array.from({ length: 8 }, () => open(server)));
    for (const fleet of opened) expect(await fleet.fact("version")).toBe("1");
    for (const fleet of opened) await fleet[Symbol.asyncDispose]();
  });

  test.each([
    [
      "a wrong password",
      { password: new Secret("another-password") },
      "password authentication failed",
      "28P01",
    ],
    ["a wrong database", { database: "nowhere" }, 'database "nowhere" does not exist', "3D000"],
    ["no server", { host: "/nonexistent" }, "Failed to connect", "ERR_POSTGRES_CONNECTION_REFUSED"],
  ])("%s is an unavailable failure that names no password", async (_, wrong, says, code) => {
    const server = { ...(await pg().database()), ...wrong };
    const failure = await open(server).then(
      () => null,
      (error: Failure) => error,
    );
    expect(failure).toBeInstanceOf(Failure);
    expect(failure?.kind).toBe("unavailable");
    expect(failure?.summary).toContain(says);
    expect(failure?.summary).toContain(`(${code})`);
    expect(failure?.summary).not.toMatch(/password-of|another-password/);
  });

  test.each([
    ["CREATE SCHEMA other"],
    ["CREATE TABLE public.other ()"],
    ["CREATE ROLE other"],
    ["CREATE DATABASE other"],
    ["SELECT * FROM pg_authid"],
    ["COPY fail2ban_cloudflare.facts TO PROGRAM 'cat'"],
    ["SELECT pg_read_file('/etc/passwd')"],
  ])("the documented role may not %s", async (statement) => {
    const server = await pg().database();
    await (await open(server))[Symbol.asyncDispose]();
    await using session = await connect(server);
    const failure = await session.run(statement).then(
      () => null,
      (error: Failure) => error,
    );
    expect(failure?.message).toMatch(/\(42501\)/);
  });
});
