import { defineCommand } from "citty";
import type { CommandText } from "../manual.ts";
import type { Invocation } from "./invocation.ts";
import { manualPage } from "./manual/page.ts";

export type CommandTexts = (invocation: Invocation) => Promise<readonly CommandText[]>;

export const manual = (invocation: Invocation, commandTexts: CommandTexts) =>
  defineCommand({
    meta: {
      name: "manual",
      description: "Print the manual page, of all commands",
      group: "setup",
      examples: ["manual | man -l -", "manual > /usr/local/share/man/man8/fail2ban-cloudflare.8"],
    },
    args: {},
    async run() {
      invocation.runtime.print(manualPage(await commandTexts(invocation)).trimEnd());
      return 0;
    },
  });
