import type { Dice } from "./dice.ts";
import type { ChaosHost, HookEnd } from "./host.ts";
import type { JailModel } from "./model.ts";
import { jailModel } from "./model.ts";
import type { Operation } from "./operations.ts";
import type { JailPlan } from "./scenario.ts";
import type { Target } from "./targets.ts";

/** A jail of fail2ban, worked as fail2ban works it: one hook after another, a failed ban or unban run again at once. */
export interface ChaosJail {
  readonly plan: JailPlan;
  readonly host: ChaosHost;
  readonly model: JailModel;
  /** Until when fail2ban's database bans an address, milliseconds since 1970; undefined: not at all. */
  storedUntil(address: string): number | undefined;
  perform(operation: Operation): Promise<void>;
  /** What fail2ban does at the end of bans while it runs. */
  unbanEnded(): Promise<void>;
  /** Repeats what was interrupted, until it is certain. */
  settle(): Promise<void>;
}

export interface ChaosJailOptions {
  /** When hooks are killed. */
  readonly roll: Dice;
  /** Told of every hook that ended. */
  readonly told: (line: string, end: HookEnd) => void;
}

interface Ban {
  readonly target: Target;
  readonly lastsS: number | null;
  readonly endsAt: number;
}

export function chaosJail(host: ChaosHost, plan: JailPlan, { roll, told }: ChaosJailOptions): ChaosJail {
  const { jail, profile, mode, byHand } = plan;
  const model = jailModel();
  const bans = new Map<string, Ban>();
  /** Addresses of which the last hook for a ban was killed: it may have a new end, or still the old one. */
  const interrupted = new Set<string>();
  /** fail2ban runs a failed hook once more; people think that it was recorded. */
  const tries = byHand ? ["first"] : ["first", "again"];
  let state: "running" | "stopped" | "crashed" = byHand ? "running" : "stopped";
  let kills = true;

  async function hook(...words: readonly string[]): Promise<HookEnd> {
    const [verb = "", ...rest] = words;
    const killAfterMs = kills && roll.chance(0.12) ? roll.whole(0, 40) : null;
    const end = await host.hook([verb, "--jail", jail, "--profile", profile, ...rest], killAfterMs);
    told(`${host.plan.name}/${jail} ${[verb, ...rest].join(" ")}`, end);
    return end;
  }

  async function ban({ target, lastsS }: Ban, restored: "0" | "1"): Promise<void> {
    for (const _ of tries) {
      const words = ["--mode", mode, "--bantime", String(lastsS ?? -1), "--restored", restored];
      const end = await hook("ban", ...words, "--", target.address);
      const endsAt = lastsS === null ? Number.POSITIVE_INFINITY : end.beganAt + lastsS * 1_000;
      model.banned(target, { at: end.endedAt, endsAt, recorded: end.code !== null });
      if (end.code === null) interrupted.add(target.address);
      else interrupted.delete(target.address);
      if (end.code === 0) return;
    }
  }

  async function unban(target: Target): Promise<void> {
    for (const _ of tries) {
      model.unbanning(target, Date.now());
      const { code } = await hook("unban", "--", target.address);
      if (code !== null) model.unbanned(target);
      if (code === 0) return;
    }
  }

  async function flush(): Promise<void> {
    for (const family of ["inet4", "inet6"] as const) {
      model.flushing(family, Date.now());
      if ((await hook("flush", "--family", family)).code !== null) model.flushed(family);
    }
  }

  async function deferring(verb: "start" | "stop"): Promise<void> {
    const { code, beganAt } = await hook(verb, ...(verb === "start" ? ["--mode", mode] : []));
    if (code !== null) model.deferred(host.plan.graceS * 1_000, beganAt);
  }

  const store = ({ target, lastsS }: Ban): void => {
    if (!byHand) host.bips.put({ jail, ip: target.address, lastsS });
  };
  const newBan = (target: Target, lastsS: number | null): Ban => {
    const endsAt = lastsS === null ? Number.POSITIVE_INFINITY : Date.now() + lastsS * 1_000;
    const made = { target, lastsS, endsAt };
    bans.set(target.address, made);
    return made;
  };

  async function perform(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case "ban": {
        if (bans.has(operation.target.address)) return;
        const made = newBan(operation.target, operation.lastsS);
        if (operation.stored === "before") store(made);
        await ban(made, "0");
        if (operation.stored === "after") store(made);
        return;
      }
      case "prolong": {
        if (!bans.has(operation.target.address)) return;
        const made = newBan(operation.target, operation.lastsS);
        store(made);
        return ban(made, "0");
      }
      case "unban":
        if (!bans.delete(operation.target.address)) return;
        host.bips.remove(jail, operation.target.address);
        return unban(operation.target);
      case "unbanAll":
        await flush();
        for (const address of bans.keys()) host.bips.remove(jail, address);
        return bans.clear();
      case "stop":
        await flush();
        await deferring("stop");
        host.bips.enable(jail, false);
        state = "stopped";
        return;
      case "crash":
        state = "crashed";
        return;
      case "start":
        host.bips.enable(jail, true);
        state = "running";
        await deferring("start");
        for (const [address, { endsAt }] of bans) if (endsAt <= Date.now()) bans.delete(address);
        for (const one of bans.values()) await ban(one, "1");
        return;
      case "wait":
        return void (await Bun.sleep(operation.ms));
    }
  }

  return {
    plan,
    host,
    model,
    storedUntil: (address) => bans.get(address)?.endsAt,
    perform,
    async unbanEnded() {
      if (state !== "running" || byHand) return;
      for (const [address, { target, endsAt }] of bans) {
        if (endsAt > Date.now()) continue;
        bans.delete(address);
        await unban(target);
      }
    },
    async settle() {
      kills = false;
      for (const { target, fate } of model.holds.values()) {
        const isUncertain = fate === "either" || (fate === "held" && interrupted.has(target.address));
        if (!isUncertain) continue;
        const banned = state === "stopped" ? undefined : bans.get(target.address);
        await (banned === undefined ? unban(target) : ban(banned, "0"));
      }
    },
  };
}
