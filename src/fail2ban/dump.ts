/** What `fail2ban-client -d` says of a jail. */
export interface DumpedJail {
  readonly actions: readonly string[];
  readonly logs: readonly string[];
  readonly backend: string;
  /** What the jail runs for an action, tags of its own options filled in. */
  commands(action: string): readonly string[];
  /** Those commands and the options of the action, by their names. */
  options(action: string): ReadonlyMap<string, string>;
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
      const options = (action: string): ReadonlyMap<string, string> =>
        new Map(own.filter(({ words }) => words[3] === action).flatMap(({ line }) => optionsOf(line)));
      const jail: DumpedJail = {
        actions: values("addaction"),
        logs: values("addlogpath"),
        backend: own.find(({ words }) => words[0] === "add")?.words[2] ?? "",
        options,
        // The options name our program in anybody's file.
        commands: (action) =>
          [...options(action)].filter(([name]) => /^action[a-z_]+$/.test(name)).map(([, value]) => value),
      };
      return [name, jail];
    }),
  );
  const errors = lines.filter(({ words }) => words[0] === "config-error").map(({ words }) => words[1] ?? "");
  return { jails, errors };
}

/** The pairs of texts in a line. */
function optionsOf(line: string): readonly (readonly [name: string, value: string])[] {
  const pair = /\['([^'\\]+)', (?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/g;
  return [...line.matchAll(pair)].map(([, name = "", single, double]) => [
    name,
    unescaped(single ?? double ?? ""),
  ]);
}

/** The texts that a list begins with; the first element of another kind ends them. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  const literal = /[[,]\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")(?=[\],])/y;
  for (let found = literal.exec(line); found !== null; found = literal.exec(line)) {
    words.push(unescaped(found[1] ?? found[2] ?? ""));
  }
  return words;
}

function unescaped(literal: string): string {
  return literal.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}
