import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Family } from "../../src/core/address.ts";
import { parseAddress } from "../../src/core/address.ts";
import type { Holder, Mode } from "../../src/core/hold.ts";
import { fleetJournal, sqliteJournal } from "../support/journals.ts";
import type { TestedJournal } from "../support/journals.ts";
import { postgres } from "../support/postgres.ts";
import { postgresTest } from "../support/postgres-tests.ts";

const slackMs = 60_000;
const restartMs = 120_000;

interface Held extends Holder {
  readonly address: string;
  readonly family: Family;
  readonly networks: readonly string[];
  readonly mode: Mode;
  readonly heldAt: number;
  untilAt: number | null;
  releaseAt: number | null;
  graced: boolean;
}

/** What is pending of one network: who is to be delivered, and which wish it was. */
interface Wish {
  readonly profile: string;
  readonly network: string;
  readonly ban: boolean;
  readonly turn: number;
  parked: boolean;
}

/** The journal as its ports describe it, without a database. */
class Model {
  now = 1_800_000_000_000;
  turns = 0;
  readonly held = new Map<string, Held>();
  readonly pending = new Map<string, Wish>();

  mark(profile: string, network: string): void {
    const turn = (this.turns += 1);
    const ban = [...this.held.values()].some(
      (one) => one.profile === profile && one.networks.includes(network),
    );
    this.pending.set(`${profile} ${network}`, { profile, network, ban, turn, parked: false });
  }

  drop(key: string): void {
    const gone = this.held.get(key);
    this.held.delete(key);
    for (const network of gone?.networks ?? []) this.mark(gone?.profile ?? "", network);
  }

  of({ profile, jail, host }: Holder): Held[] {
    return [...this.held.values()].filter(
      (one) => one.profile === profile && one.jail === jail && one.host === host,
    );
  }
}

const holder = fc.record({
  profile: fc.constantFrom("", "client-a"),
  jail: fc.constantFrom("sshd", "nginx"),
  host: fc.constantFrom("web1", "web1", "web2"),
});

/** Addresses and what is blocked for them: some share a network, one is covered by several. */
const wanted = fc.constantFrom(
  { address: "203.0.113.7", networks: ["203.0.113.7"] },
  { address: "203.0.113.4/30", networks: ["203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.7"] },
  { address: "2001:db8::7", networks: ["2001:db8::7"] },
  { address: "2001:db8::7", networks: ["2001:db8::/64"] },
  { address: "2001:db8::8", networks: ["2001:db8::/64"] },
);
const family = fc.constantFrom("inet4" as const, "inet6" as const);

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("hold" as const),
      holder,
      wanted,
      mode: fc.constantFrom("block" as const, "block" as const, "challenge" as const),
      lastsMs: fc.option(fc.nat(600_000)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("release" as const), holder, wanted }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const), holder, family }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("defer" as const), holder }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("sweep" as const),
      passesMs: fc.nat(200_000),
      stillMs: fc.dictionary(
        fc.constantFrom("sshd 203.0.113.7", "sshd 203.0.113.4/30", "nginx 2001:db8::7", "nginx 2001:db8::8"),
        fc.oneof(fc.integer({ min: -60_000, max: 600_000 }), fc.constant(Number.POSITIVE_INFINITY)),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("read" as const), profile: holder.map((h) => h.profile) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("settle" as const), which: fc.nat(20), most: fc.nat(8) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("park" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** A delivery under way: what it read, by the journal's generation and the model's turn. */
interface Read {
  readonly wish: string;
  readonly generation: number;
  readonly turn: number;
}

interface World {
  readonly model: Model;
  readonly reads: Read[];
  readonly tested: TestedJournal;
}

const criterion =
  "any sequence of holds, releases, flushes, sweeps and late deliveries ends as the model says";

test(`a journal on SQLite: ${criterion}`, () => verify(sqliteJournal, { numRuns: 150 }), 300_000);

postgresTest(`a fleet's journal on PostgreSQL: ${criterion}`, async () => {
  await using server = await postgres();
  const database = await server.database();
  const open = async (): Promise<TestedJournal> => {
    await server.psql(database.database, "DROP SCHEMA IF EXISTS fail2ban_cloudflare CASCADE");
    await server.psql(database.database, `CREATE SCHEMA fail2ban_cloudflare AUTHORIZATION ${database.user}`);
    return fleetJournal(database);
  };
  await verify(open, { numRuns: 30 });
});

async function verify(
  open: () => Promise<TestedJournal>,
  { numRuns }: { readonly numRuns: number },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60, size: "max" }), async (operations) => {
      await using tested = await open();
      const world: World = { model: new Model(), reads: [], tested };
      for (const one of operations) {
        world.model.now += 1;
        await perform(world, one);
        await compare(world);
      }
    }),
    { numRuns },
  );
}

async function perform(world: World, operation: Operation): Promise<void> {
  const { model, reads, tested } = world;
  const { journal } = tested;
  switch (operation.kind) {
    case "hold":
      return hold(world, operation);
    case "release": {
      const address = parseAddress(operation.wanted.address);
      const key = keyOf(operation.holder, address.text);
      const networks = await journal.release(operation.holder, address, model.now);
      expect(networks.toSorted()).toEqual([...(model.held.get(key)?.networks ?? [])].toSorted());
      return model.drop(key);
    }
    case "flush":
      await journal.flush(operation.holder, operation.family, model.now + 10_000);
      for (const held of model.of(operation.holder)) {
        if (held.family !== operation.family || held.releaseAt !== null) continue;
        Object.assign(held, { releaseAt: model.now + 10_000, graced: false });
      }
      return;
    case "defer":
      await journal.defer(operation.holder, model.now + restartMs);
      for (const held of model.of(operation.holder)) {
        if (held.releaseAt === null || held.releaseAt >= model.now + restartMs) continue;
        Object.assign(held, { releaseAt: model.now + restartMs, graced: true });
      }
      return;
    case "sweep":
      return sweep(world, operation);
    case "read":
      for (const { pending } of await journal.due(operation.profile, model.now, 1_000)) {
        const wish = `${pending.profile} ${pending.network.text}`;
        reads.push({ wish, generation: pending.generation, turn: model.pending.get(wish)?.turn ?? 0 });
      }
      return;
    case "settle": {
      const from = operation.which % (reads.length + 1);
      const done = reads.slice(from, from + operation.most);
      await journal.settle(done.map(({ generation }) => generation));
      for (const { wish, turn } of done)
        if (model.pending.get(wish)?.turn === turn) model.pending.delete(wish);
      return;
    }
    case "park": {
      const read = reads[operation.which % (reads.length + 1)];
      if (read === undefined) return;
      await journal.park(read.generation, "refused");
      const wish = model.pending.get(read.wish);
      if (wish?.turn === read.turn) wish.parked = true;
      return;
    }
    case "reopen":
      return tested.reopen();
  }
}

async function hold(
  { model, tested }: World,
  { holder, wanted, mode, lastsMs }: Extract<Operation, { kind: "hold" }>,
): Promise<void> {
  const address = parseAddress(wanted.address);
  const untilAt = lastsMs === null ? null : model.now + lastsMs;
  await tested.journal.hold(
    { ...holder, address, networks: wanted.networks.map(parseAddress), mode, untilAt },
    model.now,
  );
  const key = keyOf(holder, address.text);
  const before = model.held.get(key);
  if (before?.mode === mode && String(before.networks) === String(wanted.networks)) {
    Object.assign(before, { untilAt, releaseAt: null, graced: false });
    return;
  }
  model.drop(key);
  const [heldAt, { networks }] = [model.now, wanted];
  const family = address.family;
  const fresh = {
    address: address.text,
    family,
    networks,
    mode,
    heldAt,
    untilAt,
    releaseAt: null,
    graced: false,
  };
  model.held.set(key, { ...holder, ...fresh });
  for (const network of networks) model.mark(holder.profile, network);
}

async function sweep(
  { model, tested: { journal } }: World,
  { passesMs, stillMs }: Extract<Operation, { kind: "sweep" }>,
): Promise<void> {
  const now = (model.now += passesMs);
  const stillBannedUntil = (jail: string, address: string): number | null => {
    const ms = stillMs[`${jail} ${address}`];
    return ms === undefined ? null : now + ms;
  };
  const before = model.held.size;
  const ended = await journal.sweep(now, { slackMs, restartMs, stillBannedUntil });
  for (const [key, held] of model.held) {
    const untilAt = stillBannedUntil(held.jail, held.address);
    if (held.releaseAt !== null && held.releaseAt <= now) {
      if (held.graced || untilAt === null) model.drop(key);
      else Object.assign(held, { releaseAt: now + restartMs, graced: true });
    }
    if (held.untilAt === null || held.untilAt > now - slackMs || !model.held.has(key)) continue;
    if (untilAt === null || untilAt <= now) model.drop(key);
    else held.untilAt = Number.isFinite(untilAt) ? untilAt : null;
  }
  expect(ended).toBe(before - model.held.size);
  expect((await journal.nextEndAt(slackMs)) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
}

/** Everything that the ports show of holds and pending networks against the model. */
async function compare({ model, tested: { journal } }: World): Promise<void> {
  const shown = (await journal.holds(null)).map(
    ({ profile, jail, host, address, mode, sinceAt, untilAt, releaseAt, state }) =>
      JSON.stringify({ profile, jail, host, address, mode, sinceAt, untilAt, releaseAt, state }),
  );
  const all = [...model.held.values()];
  const expected = all.map(({ profile, jail, host, address, networks, mode, heldAt, untilAt, releaseAt }) => {
    const wishes = networks.flatMap((network) => model.pending.get(`${profile} ${network}`) ?? []);
    const state = wishes.some(({ parked }) => parked) ? "parked" : wishes.length > 0 ? "pending" : "blocked";
    return JSON.stringify({ profile, jail, host, address, mode, sinceAt: heldAt, untilAt, releaseAt, state });
  });
  expect(shown.toSorted()).toEqual(expected.toSorted());

  for (const profile of ["", "client-a"]) {
    const wishes = [...model.pending.values()].filter((wish) => wish.profile === profile && !wish.parked);
    const due = await journal.due(profile, model.now, 1_000);
    expect(due.map(({ pending }) => pending.network.text).toSorted()).toEqual(
      wishes.map(({ network }) => network).toSorted(),
    );
    const bans = due.map(({ pending }) => model.pending.get(`${profile} ${pending.network.text}`)?.ban);
    expect(bans).toEqual(bans.toSorted((a, b) => Number(b) - Number(a)));
    for (const { pending, wants } of due) {
      const holders = all.filter(({ networks }) => networks.includes(pending.network.text));
      const text = (one: { profile: string; jail: string; mode: Mode }) =>
        `${one.profile} ${one.jail} ${one.mode}`;
      expect(wants.map(text).toSorted()).toEqual(holders.map(text).toSorted());
    }
    expect(await journal.nextTryAt(profile, model.now)).toBe(wishes.length > 0 ? 0 : null);
  }

  const ends = all.flatMap(({ untilAt, releaseAt }) => [
    ...(untilAt === null ? [] : [untilAt + slackMs]),
    ...(releaseAt === null ? [] : [releaseAt]),
  ]);
  expect(await journal.nextEndAt(slackMs)).toBe(ends.length > 0 ? Math.min(...ends) : null);
  const counts = await journal.summary(model.now);
  const parked = [...model.pending.values()].filter((wish) => wish.parked).length;
  expect(counts).toMatchObject({ holds: all.length, parked, pending: model.pending.size - parked });
}

function keyOf({ profile, jail, host }: Holder, address: string): string {
  return [profile, jail, host, address].join(" ");
}
