import { test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FleetJournal } from "../../src/core/fleet.ts";
import { compareWithFleet, joinHolds, learnFromFleet } from "../../src/core/member.ts";
import type { Member } from "../../src/core/member.ts";
import type { Journal } from "../../src/core/journal.ts";
import { openFleet } from "../../src/journal/postgres/fleet.ts";
import { openSpool } from "../../src/journal/spool.ts";
import type { Spool } from "../../src/journal/spool.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import type { Server } from "../../src/journal/postgres/session.ts";

/** A journal of one kind or the other, empty at first. */
export interface TestedJournal extends AsyncDisposable {
  readonly journal: Journal;
  /** Closes it and opens it again, as another process would. */
  reopen(): Promise<void>;
}

/** A test of each thing that a journal promises, with one of its own. */
export function promising(
  kind: string,
  open: () => Promise<TestedJournal>,
): (criterion: string, check: (journal: Journal) => Promise<void>) => void {
  return (criterion, check) =>
    test(`${kind}: ${criterion}`, async () => {
      await using tested = await open();
      await check(tested.journal);
    });
}

export async function sqliteJournal(): Promise<TestedJournal> {
  const directory = mkdtempSync(join(tmpdir(), "fail2ban-cloudflare-journal-"));
  const path = join(directory, "journal.db");
  let journal = openSqlite(path);
  return {
    get journal() {
      return journal;
    },
    async reopen() {
      journal[Symbol.dispose]();
      journal = openSqlite(path);
    },
    async [Symbol.asyncDispose]() {
      journal[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A fleet's: every host records in a journal of its own, and what it records is joined at once. */
export async function fleetJournal(server: Server): Promise<TestedJournal> {
  const directory = mkdtempSync(join(tmpdir(), "fail2ban-cloudflare-journal-"));
  const open = () => openFleet(server, { name: "web", now: Date.now });
  let fleet = await open();
  const spools = new Map<string, Spool>();
  const spoolOf = (host: string): Spool => {
    const spool = spools.get(host) ?? openSpool(join(directory, `${host}.db`));
    spools.set(host, spool);
    return spool;
  };
  const close = async (): Promise<void> => {
    for (const spool of spools.values()) spool[Symbol.dispose]();
    spools.clear();
    await fleet[Symbol.asyncDispose]();
  };
  return {
    get journal() {
      return together(fleet, spoolOf, spools);
    },
    async reopen() {
      const hosts = [...spools.keys()];
      await close();
      fleet = await open();
      hosts.forEach(spoolOf);
    },
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** What a fleet's parts are to each other, as one Journal: hooks and sweeps are the hosts', the rest is the fleet's. */
function together(
  fleet: FleetJournal,
  spoolOf: (host: string) => Spool,
  spools: ReadonlyMap<string, Spool>,
): Journal {
  const member = (host: string): Member => ({
    host,
    own: spoolOf(host),
    // The moments of a test are no clock's: nothing is to be shifted.
    fleet: { ...fleet, aheadMs: () => 0 },
    now: Date.now,
  });
  const joined = async <T>(host: string, work: (own: Spool) => Promise<T>): Promise<T> => {
    const own = spoolOf(host);
    const result = await work(own);
    await joinHolds(member(host));
    await fleet.tell(host, own.history(host));
    return result;
  };
  const everywhere = (): readonly string[] => [...spools.keys()];
  return {
    ...fleet,
    hold: (hold, now) => joined(hold.host, (own) => own.hold(hold, now)),
    release: (holder, address, now) => joined(holder.host, (own) => own.release(holder, address, now)),
    flush: (holder, family, releaseAt) => joined(holder.host, (own) => own.flush(holder, family, releaseAt)),
    defer: (holder, releaseAt) => joined(holder.host, (own) => own.defer(holder, releaseAt)),
    async shout(holder, now, everyMs) {
      await learnFromFleet(member(holder.host));
      return spoolOf(holder.host).shout(holder, now, everyMs);
    },
    know: (holder, mode) => joined(holder.host, (own) => own.know(holder, mode)),
    forget: (holder) => joined(holder.host, (own) => own.forget(holder)),
    jails: (host) => spoolOf(host).jails(host),
    heldBy: (holder) => spoolOf(holder.host).heldBy(holder),
    async recast(profile, coverOf, now) {
      for (const host of everywhere()) {
        await spoolOf(host).recast(profile, coverOf, now);
        // As when a host connects again after its configuration has changed.
        await joined(host, () => compareWithFleet(member(host)));
      }
    },
    async hasten(latestAt) {
      for (const host of everywhere()) await joined(host, (own) => own.hasten(latestAt));
    },
    async forgetAll() {
      for (const host of everywhere()) await spoolOf(host).forgetAll();
      await fleet.forgetAll();
    },
    async nextEndAt(slackMs) {
      const ends = await Promise.all(everywhere().map((host) => spoolOf(host).nextEndAt(slackMs)));
      const known = ends.filter((at) => at !== null);
      return known.length === 0 ? null : Math.min(...known);
    },
    async sweep(now, grace) {
      const ended = await Promise.all(
        everywhere().map((host) => joined(host, (own) => own.sweep(now, grace))),
      );
      return ended.reduce((sum, count) => sum + count, 0);
    },
  };
}
