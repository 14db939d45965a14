/** What `fail2ban-client -d` says of a jail. */
export interface DumpedJail {
  readonly actions: readonly string[];
  readonly logs: readonly string[];
  readonly backend: string;
  /** What the jail runs for an action, tags of its own options filled in. */
  commands(action: string): readonly string[];
}

export interface Dump {
  readonly jails: ReadonlyMap<string, DumpedJail>;
  /** Why jails are left out. */
  readonly errors: readonly string[];
}

/** Reads the dump: one Python list a line, of which only the leading texts matter. */
export function readDump(text: string): Dump {
  const lines = text.split("\n").map((line) => ({ line, words: wordsOf(line) }));
  const names = lines.filter(({ words }) => words[0] === "add").map(({ words }) => words[1] ?? "");
  const jails = new Map(
    [...new Set(names)].map((name) => {
      const own = lines.filter(({ words }) => words[1] === name);
      const values = (option: string): string[] =>
        own
          .filter(({ words }) => words[0] === "set" && words[2] === option)
          .map(({ words }) => words[3] ?? "");
      const jail: DumpedJail = {
        actions: values("addaction"),
        logs: values("addlogpath"),
        backend: own.find(({ words }) => words[0] === "add")?.words[2] ?? "",
        commands: (action) =>
          own.filter(({ words }) => words[3] === action).flatMap(({ line }) => commandsOf(line)),
      };
      return [name, jail];
    }),
  );
  const errors = lines.filter(({ words }) => words[0] === "config-error").map(({ words }) => words[1] ?? "");
  return { jails, errors };
}

/** The values of actionban and the like; not of the action's options, which name our program in anybody's file. */
function commandsOf(line: string): readonly string[] {
  const option = /'action[a-z_]+', (?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;
  return [...line.matchAll(option)].map(([, single, double]) => single ?? double ?? "");
}

/** The texts that a list begins with; the first element of another kind ends them. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  const literal = /[[,]\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")(?=[\],])/y;
  for (let found = literal.exec(line); found !== null; found = literal.exec(line)) {
    words.push((found[1] ?? found[2] ?? "").replace(/\\(.)/g, "$1"));
  }
  return words;
}
