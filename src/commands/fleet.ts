import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import type { Invocation } from "./invocation.ts";
import { wakeCourier } from "./wake.ts";

export const fleet = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "fleet",
      description: "Let go of what a server held that is gone for good",
      group: "act",
      examples: ["fleet retire web3"],
    },
    args: {
      action: {
        type: "positional",
        description: "retire: let go of all that a server holds",
        required: true,
        valueHint: "retire",
      },
      host: { type: "positional", description: "A server that is gone for good", required: true },
    },
    async run({ args: { action, host } }) {
      if (action !== "retire") {
        throw new Failure("usage", `Cannot do ${quoted(action)} with a fleet: there is no such action`, {
          hint: "fail2ban-cloudflare fleet retire HOST",
        });
      }
      const config = loadConfig(runtime, configPath);
      if (config.fleet === null) {
        throw new Failure("config", `Cannot retire ${quoted(host)}: "${config.path}" names no fleet`, {
          hint: 'journal = "postgres://…", see docs/fleet.md',
        });
      }
      const { openFleetJournal } = await import("./fleet/views.ts");
      await using journal = await openFleetJournal(runtime, config, config.fleet);
      const holds = await journal.retire(host);
      if (holds === null) {
        const known = (await journal.hosts()).map((one) => one.host);
        throw new Failure("usage", `Cannot retire ${quoted(host)}: the fleet has no such server`, {
          hint: `it has: ${known.join(", ") || "none"}`,
        });
      }
      runtime.print(`Retired ${host}: let go of ${holds}`);
      wakeCourier(runtime, config);
      return 0;
    },
  });
