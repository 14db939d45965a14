import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { obstacle, runOnce } from "../core/courier.ts";
import { compareProfile, syncProfile } from "../core/sync.ts";
import type { SyncedPlace } from "../core/sync.ts";
import { Failure } from "../errors.ts";
import { openLog } from "../log.ts";
import { wireCourier } from "../wire.ts";
import type { WireOptions } from "../wire/profile.ts";
import { provisionLists } from "../wire/provision.ts";
import { openJournal, takeLockPatiently } from "./courier-lock.ts";
import type { Invocation } from "./invocation.ts";
import { openProgress } from "./progress.ts";
import { shownDelivery } from "./shown-delivery.ts";
import { removeWakeFile } from "./wake.ts";

export const sync = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "sync",
      description: "Compare fail2ban, journal and Cloudflare, and mend what differs",
      group: "act",
      examples: ["sync --dry-run", "sync"],
    },
    args: {
      "dry-run": { type: "boolean", description: "Only show what differs at Cloudflare", default: false },
      provision: {
        type: "boolean",
        description: "First make the lists and the rules that act on them, and set right what was changed",
        default: false,
      },
    },
    async run({ args }) {
      const config = loadConfig(runtime, configPath);
      await using _lock = await takeLockPatiently(runtime, config);
      using progress = openProgress(runtime);
      const log = openLog(progress.runtime, config.log, { talks: "warn" });
      using journal = openJournal(runtime, config, log);
      await using wired = await wireCourier(
        { runtime, config, journal, log },
        { beforeLook: () => removeWakeFile(config), outdated: () => false },
      );
      const courier = {
        ...wired,
        deliveries: wired.deliveries.map((delivery) => shownDelivery(delivery, progress)),
      };
      if (args.provision) {
        const options = { runtime: progress.runtime, config, journal, log };
        await provision(options, args["dry-run"] ? "look" : "mend");
      }
      if (!args["dry-run"]) await courier.recover();
      let complete = true;
      for (const delivery of courier.deliveries) {
        const places = await (args["dry-run"] ? compareProfile : syncProfile)(delivery);
        complete &&= places !== null;
        for (const line of (places ?? []).flatMap(describe)) progress.runtime.print(line);
      }
      if (!args["dry-run"]) await runOnce(courier, runtime.signal);
      const left = args["dry-run"] ? null : await obstacle(courier, runtime.now());
      if (left !== null) throw left;
      if (!complete)
        throw new Failure("unavailable", "Cannot compare every place now", {
          hint: "see: fail2ban-cloudflare status",
        });
      return 0;
    },
  });

/** What was refused before may be possible now: all of it is tried again. */
async function provision(options: WireOptions, how: "mend" | "look"): Promise<void> {
  const { runtime, config, journal } = options;
  for (const profile of config.profiles.values()) {
    const provided = await provisionLists({ ...options, profile }, how);
    for (const { sign, what } of provided) runtime.print(`${sign} ${what}`);
    if (how === "look" || provided.length === 0) continue;
    await journal.clearPauses(profile.name);
    await journal.recheck(profile.name, "all", runtime.now());
  }
}

/** `+` is missing at the edge, `-` is ours there and unknown here, `~` was changed there. */
function describe({ label, missing, found, changed, troubles }: SyncedPlace): string[] {
  const lines = [
    ...missing.map((network) => `+ ${network} at ${label}: gone from the edge`),
    ...found.map(({ network, jail }) => `- ${network} at ${label}: ours (${jail}), and not in the journal`),
    ...changed.map((network) => `~ ${network} at ${label}: differs from the journal`),
    ...troubles.map((trouble) => `! ${trouble}`),
  ];
  return lines.length === 0 ? [`= ${label}: nothing differs`] : lines;
}
