import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { adopt, announce, judgePlaces, removeLeftovers } from "../core/adopt.ts";
import type { Judged } from "../core/adopt.ts";
import { obstacle, runOnce, tryAnew } from "../core/courier.ts";
import type { Courier } from "../core/courier.ts";
import { mendHolds, wantedOnceMended } from "../core/mend.ts";
import type { Journal, KnownJail } from "../core/journal.ts";
import type { Fail2banState } from "../core/recover.ts";
import { compareProfile, syncProfile } from "../core/sync.ts";
import { Failure } from "../errors.ts";
import { openLog } from "../log.ts";
import type { WireOptions } from "../wire/profile.ts";
import { provisionLists } from "../wire/provision.ts";
import type { Invocation } from "./invocation.ts";
import { patientCourier } from "./patient-courier.ts";
import { openProgress } from "./progress.ts";
import { shownDelivery } from "./shown-delivery.ts";
import { configuredJails } from "./sync/jails.ts";
import { holdLines, placeLines } from "./sync/lines.ts";
import type { ComparedPlace } from "./sync/lines.ts";

export const sync = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "sync",
      description: "Compare fail2ban, journal and Cloudflare, and mend what differs",
      group: "act",
      examples: ["sync --dry-run", "sync", "sync --adopt --dry-run"],
    },
    args: {
      "dry-run": { type: "boolean", description: "Only show what would be done", default: false },
      provision: {
        type: "boolean",
        description: "First make the lists and the rules that act on them, and set right what was changed",
        default: false,
      },
      adopt: {
        type: "boolean",
        description: "Take over what fail2ban's own actions left, and remove what is stale of it",
        default: false,
      },
      "keep-stale": {
        type: "boolean",
        description: "Leave what is stale: another server may hold it by those actions",
        default: false,
      },
    },
    async run({ args }) {
      if (args["keep-stale"] && !args.adopt)
        throw new Failure("usage", "Cannot run sync with --keep-stale: it goes with --adopt", {
          hint: "sync --adopt --keep-stale",
        });
      const config = loadConfig(runtime, configPath);
      using progress = openProgress(runtime);
      const log = openLog(progress.runtime, config.log, { talks: "warn" });
      await using wired = await patientCourier(runtime, config, log);
      const { journal, own } = wired;
      const courier = {
        ...wired,
        deliveries: wired.deliveries.map((delivery) => shownDelivery(delivery, progress)),
      };
      await tryAnew(courier);
      const mending = !args["dry-run"];
      const show = (lines: readonly string[]): void => lines.forEach((line) => progress.runtime.print(line));
      if (args.provision) {
        const options = { runtime: progress.runtime, config, journal, log };
        await provision(options, own, mending ? "mend" : "look");
      }

      const configured = await configuredJails(runtime, config, log);
      const known = await own.jails(config.host);
      const state = courier.fail2banState();
      const difference = state && (await courier.compareHolds(merged(known, configured ?? []), state));
      if (difference === null) log("warn", "", "Not compared with fail2ban: its database cannot be read now");
      else show(holdLines(difference));
      if (mending) {
        for (const { profile, jail, mode } of configured ?? [])
          await own.know({ profile, jail, host: config.host }, mode);
        if (difference !== null) await mendHolds(own, difference, runtime.now());
        await wired.join();
      }
      const held = await journal.wanted();
      const wanted = mending || difference === null ? held : wantedOnceMended(held, difference);

      const compared = await compareEdge(courier, mending ? syncProfile : compareProfile);
      const judged = args.adopt
        ? await judgePlaces(courier.deliveries, wanted, jailsToJudge(configured ?? known, state))
        : [];
      const stale = args["keep-stale"] ? "keep" : "remove";
      for (const place of compared.places) {
        const verdict = judged.find((one) => one.place.place === place.place)?.verdict;
        show(placeLines(place, { wanted, stale, ...(verdict === undefined ? {} : { verdict }) }));
      }
      if (mending) await carryOut(courier, judged, { signal: runtime.signal, stale });
      if (!compared.complete)
        throw new Failure("unavailable", "Cannot compare every place now", {
          hint: "see: fail2ban-cloudflare status",
        });
      return 0;
    },
  });

/** What was refused before may be possible now: all of it is tried again. */
async function provision(options: WireOptions, own: Journal, how: "mend" | "look"): Promise<void> {
  const { runtime, config, journal } = options;
  const jails = await own.jails(config.host);
  for (const profile of config.profiles.values()) {
    const provided = await provisionLists({ ...options, profile, jails }, how);
    for (const { sign, what } of provided) runtime.print(`${sign} ${what}`);
    if (how === "look" || provided.length === 0) continue;
    await journal.clearPauses(profile.name);
    await journal.recheck(profile.name, "all", runtime.now());
  }
}

function merged(known: readonly KnownJail[], configured: readonly KnownJail[]): readonly KnownJail[] {
  return [
    ...new Map([...known, ...configured].map((want) => [`${want.profile}\n${want.jail}`, want])).values(),
  ];
}

/** Compares every place once; incomplete where Cloudflare is to be left alone. */
async function compareEdge(
  { deliveries }: Courier,
  compare: typeof compareProfile,
): Promise<{ readonly places: readonly ComparedPlace[]; readonly complete: boolean }> {
  const places = new Map<string, ComparedPlace>();
  let complete = true;
  for (const delivery of deliveries) {
    const synced = await compare(delivery);
    complete &&= synced !== null;
    for (const place of synced ?? [])
      places.set(place.place, { ...place, profiles: delivery.profilesOf(place.place) });
  }
  return { places: [...places.values()], complete };
}

/** What a jail left can only be judged where fail2ban's database says what it bans. */
function jailsToJudge(ours: readonly KnownJail[], state: Fail2banState | null): ReadonlySet<string> {
  if (state !== null) return new Set(ours.map(({ jail }) => jail).filter((jail) => state.jails.has(jail)));
  throw new Failure("unavailable", "Cannot take anything over: fail2ban's database cannot be read now", {
    hint: "run it again",
  });
}

/** Delivers what is pending, then makes leftovers ours, and removes those that nothing is to be kept of. */
async function carryOut(
  courier: Courier,
  judged: readonly Judged[],
  { signal, stale }: { readonly signal: AbortSignal; readonly stale: "keep" | "remove" },
): Promise<void> {
  for (const one of judged) await announce(one);
  await runOnce(courier, signal);
  for (const one of judged) await adopt(one, signal);
  const awaited = await notThereYet(courier);
  for (const one of judged) {
    const replaced = one.verdict.replaced.filter(({ network }) => !awaited.has(network));
    const gone = stale === "remove" ? one.verdict.stale : [];
    await removeLeftovers(one, [...replaced, ...gone], signal);
  }
  if (judged.length > 0) await runOnce(courier, signal);
  const left = await obstacle(courier);
  if (left !== null) throw left;
}

/** Addresses that are held, and whose block is not there. */
async function notThereYet({ journal }: Courier): Promise<ReadonlySet<string>> {
  const holds = await journal.holds(null);
  const waiting = holds.filter(({ state }) => state === "pending" || state === "parked");
  return new Set(waiting.map(({ address }) => address));
}
