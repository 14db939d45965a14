import { defineCommand } from "citty";
import { existsSync } from "node:fs";
import { loadConfig } from "../config.ts";
import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { CommandText } from "../manual.ts";
import { bashCompletion } from "./completions/bash.ts";
import { fishCompletion } from "./completions/fish.ts";
import { zshCompletion } from "./completions/zsh.ts";
import type { Invocation } from "./invocation.ts";

const scripts = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion } as const;

export type CommandTexts = (invocation: Invocation) => Promise<readonly CommandText[]>;

export const completions = (invocation: Invocation, commandTexts: CommandTexts) =>
  defineCommand({
    meta: {
      name: "completions",
      description: "Have bash, zsh or fish complete commands, options and jails",
      group: "setup",
      examples: [
        "completions bash \\\n    > /etc/bash_completion.d/fail2ban-cloudflare",
        "completions zsh \\\n    > /usr/local/share/zsh/site-functions/_fail2ban-cloudflare",
        "completions fish \\\n    > /etc/fish/completions/fail2ban-cloudflare.fish",
      ],
    },
    args: {
      shell: {
        type: "positional",
        required: true,
        description: "bash, fish or zsh; or jails: the names that the scripts offer for --jail",
        valueHint: Object.keys(scripts).join("|"),
      },
    },
    async run({ args: { shell } }) {
      const { runtime } = invocation;
      if (shell === "jails") {
        for (const jail of await jailNames(invocation)) runtime.print(jail);
        return 0;
      }
      if (!isShell(shell)) {
        throw new Failure("usage", `Cannot complete for ${quoted(shell)}: there is no script for it`, {
          hint: `one of: ${Object.keys(scripts).join(", ")}`,
        });
      }
      runtime.print(scripts[shell](await commandTexts(invocation)).trimEnd());
      return 0;
    },
  });

function isShell(text: string): text is keyof typeof scripts {
  return Object.hasOwn(scripts, text);
}

/** The jails that we know; none before there is a journal: a key pressed in a shell makes no file. */
async function jailNames({ runtime, configPath }: Invocation): Promise<readonly string[]> {
  const { journal: path } = loadConfig(runtime, configPath);
  if (!existsSync(path)) return [];
  using journal = openSqlite(path);
  return (await journal.jailViews(runtime.now())).map(({ jail }) => jail);
}
