import type { ArgsDef, CommandDef } from "citty";
import { parseAddress } from "../core/address.ts";
import type { Address } from "../core/address.ts";
import { flushedMs, modes } from "../core/hold.ts";
import { intake } from "../core/intake.ts";
import { knownRanges } from "../core/ranges.ts";
import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import { intakeOptions } from "../intake-options.ts";
import { deferRelease, finish } from "./hooks/finish.ts";
import { endOf, hookSetup, modeOf } from "./hooks/set-up.ts";
import type { Invocation } from "./invocation.ts";
import { openOwn } from "./own-journal.ts";
import { wakeAhead, wakeCourier, wakeQuietly } from "./wake.ts";

/** What citty's function of this name does; to load citty for it would cost every ban more than its own work. */
function defineCommand<const Args extends ArgsDef>(definition: CommandDef<Args>): CommandDef<Args> {
  return definition;
}

const jailArgument = {
  type: "string",
  description: "fail2ban's jail",
  required: true,
  valueHint: "NAME",
} as const;
const profileArgument = {
  type: "string",
  description: "A [profiles.NAME] of the configuration",
  default: "",
  valueHint: "NAME",
} as const;
const addressArgument = {
  type: "positional",
  description: "IPv4 or IPv6 address, or a network as 203.0.113.0/24",
  required: true,
} as const;
const modeArgument = {
  type: "string",
  description: "What its visitors get; empty: as configured",
  default: "",
  valueHint: modes.join("|"),
} as const;
const waitArgument = {
  type: "boolean",
  description: "Return when it is so at the edge, or say why it is not",
  default: false,
} as const;

export const ban = (invocation: Invocation) =>
  defineCommand({
    meta: {
      name: "ban",
      description: "Block an address at Cloudflare's edge for a jail",
      group: "act",
      examples: ["ban 203.0.113.7 --jail test --wait", "ban 2001:db8::/64 --jail test --mode challenge"],
    },
    args: {
      address: addressArgument,
      jail: jailArgument,
      bantime: {
        type: "string",
        description: "Seconds; -1 or left out: for ever",
        default: "-1",
        valueHint: "SECONDS",
      },
      restored: {
        type: "string",
        description: "1: fail2ban bans it anew after its own restart",
        default: "0",
        valueHint: "0|1",
      },
      mode: modeArgument,
      profile: profileArgument,
      wait: waitArgument,
    },
    async run({ args }) {
      const address = parseAddress(args.address);
      const untilAt = endOf(args.bantime, invocation.runtime.now());
      if (!["0", "1"].includes(args.restored)) {
        throw new Failure("usage", `Cannot read --restored ${quoted(args.restored)}: neither 0 nor 1`);
      }
      const { config, profile, holder } = hookSetup(invocation, args);
      const mode = modeOf(args.mode, profile);
      const { runtime } = invocation;
      const networksOf = (ranges?: readonly string[]): readonly Address[] | null =>
        intake(address, intakeOptions(runtime, config, profile, ranges));
      const ignore = (): number => {
        runtime.talk(`Not blocked ${address.text}: "${config.path}" says to ignore it`);
        return 0;
      };
      const wake = wakeAhead(runtime, config);
      try {
        using journal = await openOwn(config);
        const networks = networksOf(await knownRanges(journal));
        if (networks === null) return ignore();
        await journal.hold({ ...holder, address, networks, mode, untilAt }, runtime.now());
        return await finish(invocation, {
          config,
          journal,
          holder,
          networks: networks.map(({ text }) => text),
          wait: args.wait,
          wake,
        });
      } catch (error) {
        if (!(error instanceof Failure) || error.kind !== "journal") throw error;
        // What the journal cannot record is blocked at once instead, and said.
        const networks = networksOf();
        if (networks === null) return ignore();
        const { banDirectly } = await import("./direct.ts");
        wakeQuietly(runtime, config, error);
        return await banDirectly({ runtime, config, profile, holder, networks, mode }, error);
      }
    },
  });

export const unban = (invocation: Invocation) =>
  defineCommand({
    meta: {
      name: "unban",
      description: "Let go of an address, which another jail may still hold",
      group: "act",
      examples: ["unban 203.0.113.7 --jail test --wait"],
    },
    args: { address: addressArgument, jail: jailArgument, profile: profileArgument, wait: waitArgument },
    async run({ args }) {
      const address = parseAddress(args.address);
      const { config, holder } = hookSetup(invocation, args);
      const wake = wakeAhead(invocation.runtime, config);
      using journal = await openOwn(config);
      const networks = await journal.release(holder, address, invocation.runtime.now());
      return await finish(invocation, { config, journal, holder, networks, wait: args.wait, wake });
    },
  });

export const flush = (invocation: Invocation) =>
  defineCommand({
    meta: {
      name: "flush",
      description: "A jail lets go of all that it holds, unless it stops or starts soon",
      group: "hook",
      examples: ["flush --jail sshd --family inet4"],
    },
    args: {
      jail: jailArgument,
      profile: profileArgument,
      family: { type: "string", description: "Of these only", required: true, valueHint: "inet4|inet6" },
    },
    async run({ args }) {
      if (args.family !== "inet4" && args.family !== "inet6") {
        throw new Failure("usage", `Cannot read --family ${quoted(args.family)}: neither inet4 nor inet6`);
      }
      const { config, holder } = hookSetup(invocation, args);
      using journal = await openOwn(config);
      await journal.flush(holder, args.family, invocation.runtime.now() + flushedMs);
      wakeCourier(invocation.runtime, config);
      return 0;
    },
  });

export const start = (invocation: Invocation) =>
  defineCommand({
    meta: {
      name: "start",
      description: "A jail starts: what its flush let go of is kept for a while",
      group: "hook",
      examples: ["start --jail sshd"],
    },
    args: { jail: jailArgument, profile: profileArgument, mode: modeArgument },
    async run({ args }) {
      const { config, profile, holder } = hookSetup(invocation, args);
      const mode = modeOf(args.mode, profile);
      using journal = await openOwn(config);
      await journal.know(holder, mode);
      return await deferRelease(invocation, config, journal, holder);
    },
  });

export const stop = (invocation: Invocation) =>
  defineCommand({
    meta: {
      name: "stop",
      description: "A jail stops: what its flush let go of is kept for a while",
      group: "hook",
      examples: ["stop --jail sshd"],
    },
    args: { jail: jailArgument, profile: profileArgument },
    async run({ args }) {
      const { config, holder } = hookSetup(invocation, args);
      using journal = await openOwn(config);
      await journal.forget(holder);
      return await deferRelease(invocation, config, journal, holder);
    },
  });
