import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { obstacle, runOnce } from "../core/courier.ts";
import { compareProfile, syncProfile } from "../core/sync.ts";
import type { SyncedPlace } from "../core/sync.ts";
import { Failure } from "../errors.ts";
import type { Invocation } from "./invocation.ts";
import { patientCourier } from "./patient-courier.ts";

export const sync = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "sync",
      description: "Compare fail2ban, the journal and Cloudflare, and mend what differs",
    },
    args: {
      "dry-run": { type: "boolean", description: "Only show what differs at Cloudflare", default: false },
    },
    async run({ args }) {
      const config = loadConfig(runtime, configPath);
      await using courier = await patientCourier(runtime, config);
      if (!args["dry-run"]) await courier.recover();
      let complete = true;
      for (const delivery of courier.deliveries) {
        const places = await (args["dry-run"] ? compareProfile : syncProfile)(delivery);
        complete &&= places !== null;
        for (const line of (places ?? []).flatMap(describe)) runtime.print(line);
      }
      if (!args["dry-run"]) await runOnce(courier, runtime.signal);
      const left = args["dry-run"] ? null : await obstacle(courier, courier.now());
      if (left !== null) throw left;
      if (!complete)
        throw new Failure("unavailable", "Cannot compare every place now", {
          hint: "see: fail2ban-cloudflare status",
        });
      return 0;
    },
  });

/** `+` is missing at the edge, `-` is ours there and unknown here, `~` was changed there. */
function describe({ label, missing, found, changed }: SyncedPlace): string[] {
  const lines = [
    ...missing.map((network) => `+ ${network} at ${label}: gone from the edge`),
    ...found.map(({ network, jail }) => `- ${network} at ${label}: ours (${jail}), and not in the journal`),
    ...changed.map((network) => `~ ${network} at ${label}: differs from the journal`),
  ];
  return lines.length === 0 ? [`= ${label}: nothing differs`] : lines;
}
