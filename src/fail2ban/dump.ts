import { leadingTexts, pairsIn } from "./python-list.ts";

/** What `fail2ban-client -d` says of a jail. */
export interface DumpedJail {
  readonly actions: readonly string[];
  readonly logs: readonly string[];
  readonly backend: string;
  /** What the jail's action is and does, by name, tags of its own options filled in. */
  options(action: string): ReadonlyMap<string, string>;
  /** What the jail runs for an action. */
  commands(action: string): readonly string[];
}

export interface Dump {
  readonly jails: ReadonlyMap<string, DumpedJail>;
  /** Where fail2ban writes its log, as its configuration has it: a file, or a word such as SYSLOG. */
  readonly logTarget: string;
  /** Why jails are left out. */
  readonly errors: readonly string[];
}

/** Reads the dump: one Python list a line, of which only the leading texts matter, and an action's options. */
export function readDump(text: string): Dump {
  const lines = text.split("\n").map((line) => ({ line, words: leadingTexts(line) }));
  const names = lines.filter(({ words }) => words[0] === "add").map(({ words }) => words[1] ?? "");
  const jails = new Map(
    [...new Set(names)].map((name) => {
      const own = lines.filter(({ words }) => words[1] === name);
      const values = (option: string): string[] =>
        own
          .filter(({ words }) => words[0] === "set" && words[2] === option)
          .map(({ words }) => words[3] ?? "");
      const options = (action: string): ReadonlyMap<string, string> =>
        new Map(
          own
            .filter(({ words }) => words[2] === "action" && words[3] === action)
            .flatMap(({ line }) => [...pairsIn(line)]),
        );
      const jail: DumpedJail = {
        actions: values("addaction"),
        logs: values("addlogpath"),
        backend: own.find(({ words }) => words[0] === "add")?.words[2] ?? "",
        options,
        // Not the action's other options, which name our program in anybody's file.
        commands: (action) =>
          [...options(action)].filter(([option]) => /^action[a-z_]+$/.test(option)).map(([, value]) => value),
      };
      return [name, jail];
    }),
  );
  const errors = lines.filter(({ words }) => words[0] === "config-error").map(({ words }) => words[1] ?? "");
  const logTarget = lines.find(({ words }) => words[1] === "logtarget")?.words[2] ?? "";
  return { jails, logTarget, errors };
}
