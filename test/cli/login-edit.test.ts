import { expect, test } from "bun:test";
import { editToml } from "../../src/commands/login/edit-toml.ts";
import type { TableEdit } from "../../src/commands/login/edit-toml.ts";
import { configurationFile } from "../../src/fail2ban/files.ts";

const zones = ["a.example", "b.example"];

test.each<[name: string, before: string, edit: TableEdit, after: string]>([
  ["an empty file", "", { table: "", settings: { zones } }, 'zones = ["a.example", "b.example"]\n'],
  [
    "a value with its comment",
    "zones=['x'] # mine\n",
    { table: "", settings: { zones: ["y"] } },
    'zones=["y"] # mine\n',
  ],
  [
    "a value over several lines",
    "zones = [ # two\n  'a]', \"#b\", # b\n] # end\nbudget = 9\n",
    { table: "", settings: { zones: ["y"] } },
    'zones = ["y"] # end\nbudget = 9\n',
  ],
  [
    "a value whose text looks like settings",
    "host = '''\n[profiles.a]\nzones = 1'''\nzones = []\n",
    { table: "", settings: { zones: ["y"] } },
    "host = '''\n[profiles.a]\nzones = 1'''\nzones = [\"y\"]\n",
  ],
  [
    "a key that goes",
    "a = 1\nmode = 'x'\nb = 2\n",
    { table: "", settings: { mode: null } },
    "a = 1\nb = 2\n",
  ],
  [
    "a key that goes and leaves its comment",
    "mode = 'x' # for Ann\n",
    { table: "", settings: { mode: null } },
    "# for Ann\n",
  ],
  [
    "a new key below the line that shows it",
    '# where\n#zones = ["z"]\n\nbudget = 1\n',
    { table: "", settings: { zones: ["y"] } },
    '# where\n#zones = ["z"]\nzones = ["y"]\n\nbudget = 1\n',
  ],
  [
    "a last line without an end",
    "a = 1",
    { table: "", settings: { mode: "block" } },
    'a = 1\nmode = "block"\n',
  ],
  [
    "no setting before the first table",
    "# top\n\n# about it\n[profiles.a]\nmode = 'x'\n",
    { table: "", settings: { mode: "block" } },
    "# top\n\nmode = \"block\"\n# about it\n[profiles.a]\nmode = 'x'\n",
  ],
  [
    "a table that is written with spaces and quotes",
    "mode = 'x'\n[ profiles . \"a\" ] # A\n[profiles.b]\nmode = 'z'\n",
    { table: "profiles.a", settings: { mode: "block" } },
    "mode = 'x'\n[ profiles . \"a\" ] # A\nmode = \"block\"\n[profiles.b]\nmode = 'z'\n",
  ],
  [
    "a table that is not there",
    "mode = 'x'",
    { table: "profiles.a", settings: { mode: "block" } },
    "mode = 'x'\n\n[profiles.a]\nmode = \"block\"\n",
  ],
  [
    "lines that end as on Windows",
    'mode = "x" # a\r\nbudget = 1\r\n',
    { table: "", settings: { mode: "y" } },
    'mode = "y" # a\r\nbudget = 1\r\n',
  ],
  [
    "a value that needs to be escaped",
    "",
    { table: "", settings: { account: 'A "B" \\ \n C' } },
    'account = "A \\"B\\" \\\\ \\n C"\n',
  ],
])("%s", (_, before, edit, after) => {
  expect(editToml("config.toml", before, edit)).toBe(after);
});

test.each([
  ["an inline table", "profiles = { a = { mode = 'x' } }\n"],
  ["a dotted key", "profiles.a.mode = 'x'\n"],
])("%s is left alone, with what to write by hand", (_, text) => {
  expect(() => editToml("config.toml", text, { table: "profiles.a", settings: { mode: "block" } })).toThrow(
    expect.objectContaining({ kind: "config", hint: 'write into it by hand: [profiles.a] mode = "block"' }),
  );
});

test("the skeleton gets each setting where it shows it", () => {
  const before = configurationFile([], []).split("\n");
  const settings = { zones, api_token_file: "/etc/fail2ban-cloudflare/token" };
  const after = editToml("config.toml", configurationFile([], []), { table: "", settings }).split("\n");
  const added = after.flatMap((line, index) =>
    line.startsWith("#") || line === "" ? [] : [after[index - 1]],
  );
  expect(added).toEqual(['#api_token_file = "/etc/fail2ban-cloudflare/token"', '#zones = ["example.com"]']);
  expect(after.filter((line) => line.startsWith("#") || line === "")).toEqual(before);
});
