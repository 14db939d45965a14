import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { Failure } from "../../src/errors.ts";
import { databaseOf } from "../../src/wire/fleet.ts";
import { parseDatabaseUrl } from "../../src/wire/database.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";

const secret = "PLANTED-secret-0123456789";

function write(root: TempRoot, journal: string, fleet = 'name = "web"', mode = 0o600): string {
  root.write("config.toml", `journal = ${JSON.stringify(journal)}\n[fleet]\n${fleet}\n`, mode);
  return root.at("config.toml");
}

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof Failure && error.kind === "config") return error.summary;
    throw error;
  }
  throw new Error("it was not refused");
}

test.each([
  [
    "postgres://db.example.com",
    { host: "db.example.com", port: 5432, database: "fail2ban_cloudflare", user: "fail2ban_cloudflare" },
    "verify-full",
  ],
  [
    "postgresql://f2b@192.0.2.10:6432/bans",
    { host: "192.0.2.10", port: 6432, database: "bans", user: "f2b" },
    "verify-full",
  ],
  ["postgres://[2001:db8::5]/bans", { host: "2001:db8::5", database: "bans" }, "verify-full"],
  ["postgres://f2b@%2Frun%2Fpostgresql/bans", { host: "/run/postgresql", user: "f2b" }, "disable"],
  ["postgres://localhost/bans", { host: "localhost" }, "disable"],
  ["postgres://[::1]/bans", { host: "::1" }, "disable"],
  ["postgres://127.0.0.1/bans?sslmode=require", { host: "127.0.0.1" }, "require"],
  [
    "postgres://db.example.com/bans?sslmode=disable&sslrootcert=/etc/ssl/own.pem",
    { caFile: "/etc/ssl/own.pem" },
    "disable",
  ],
])("%s is read, with TLS unless it is near or somebody says otherwise", (journal, database, tls) => {
  using root = tempRoot();
  const config = loadConfig(testRuntime({ root: root.path }), write(root, journal));
  const server = parseDatabaseUrl(config.fleet?.url.reveal() ?? "", config);
  expect(server).toMatchObject({ ...database, tls, password: null });
  expect(config.owner).toBe("web");
  expect(config.journal).toBe(root.at("var/lib/fail2ban/cloudflare/journal.db"));
});

test.each([
  ["postgres://", 'name = "web"', "journal", "it names no host"],
  [`postgres://u:${secret}@`, 'name = "web"', "journal", "it is not a URL"],
  [`postgres://u:${secret}@/bans`, 'name = "web"', "journal", "it is not a URL"],
  [`postgres://u:${secret}%@db/bans`, 'name = "web"', "journal", "not URL-encoded"],
  [`postgres://u:${secret}@db/bans?sslmode=prefer`, 'name = "web"', "journal", "its sslmode is none of ours"],
  [`postgres://u:${secret}@db/bans?sslmod=require`, 'name = "web"', "journal", "did you mean sslmode?"],
  [`postgres://u:${secret}@db/bans?sslrootcert=own.pem`, 'name = "web"', "journal", "not an absolute path"],
  [`postgres://u:${secret}@db/bans#x`, 'name = "web"', "journal", "it is not a URL"],
  ["postgres://db/bans", "", "fleet.name", "it is missing"],
  ["postgres://db/bans", 'name = "we b"', "fleet.name", "only letters"],
  ["postgres://db/bans", 'name = "web1"', "fleet.name", "it is this server's own"],
  ["postgres://db/bans", 'name = "web"\nspol = "/x"', "fleet.spol", "did you mean spool?"],
  ["postgres://db/bans", 'name = "web"\nspool = "x"', "fleet.spool", "not an absolute path"],
  ["postgres://db/bans", 'name = "web"\ngone_after = 1', "fleet.gone_after", "not a whole number"],
  ["/var/lib/journal.db", 'name = "web"', "fleet.name", "the journal is no database of a fleet"],
])("%s with %j is refused, naming the key and nothing secret", (journal, fleet, key, state) => {
  using root = tempRoot();
  const says = refusal(() => {
    const config = loadConfig(testRuntime({ root: root.path }), write(root, journal, fleet));
    return parseDatabaseUrl(config.fleet?.url.reveal() ?? "", config);
  });
  expect(says).toContain(`Cannot use ${key} of "${root.at("config.toml")}"`);
  expect(says).toContain(state);
  expect(says).not.toContain(secret);
});

/** What is read as the password for this journal, with these files and this environment. */
function password(root: TempRoot, journal: string, env: Readonly<Record<string, string>> = {}, mode = 0o600) {
  const runtime = testRuntime({ root: root.path, env });
  const config = loadConfig(runtime, write(root, journal, 'name = "web"', mode));
  if (config.fleet === null) throw new Error("there is no fleet");
  return databaseOf(runtime, config, config.fleet.url.reveal()).password?.reveal() ?? null;
}

test("the password that is found first is used: systemd's, the configuration's, the password file's", () => {
  using root = tempRoot();
  root.write("credentials/fleet-password", "from-systemd\n", 0o400);
  root.write("pgpass", "*:*:*:*:from-file\n", 0o600);
  const [credentials, passwords] = [
    { CREDENTIALS_DIRECTORY: root.at("credentials") },
    { PGPASSFILE: root.at("pgpass") },
  ];
  const withPassword = "postgres://f2b:from%20config@db.example.com/bans";
  expect(password(root, withPassword, { ...credentials, ...passwords })).toBe("from-systemd");
  expect(password(root, withPassword, { CREDENTIALS_DIRECTORY: root.path, ...passwords })).toBe(
    "from config",
  );
  expect(password(root, "postgres://f2b@db.example.com/bans", passwords)).toBe("from-file");
  expect(password(root, "postgres://f2b@db.example.com/bans")).toBeNull();
});

test.each([
  ["db.example.com:5432:bans:f2b:one", "one"],
  ["# db.example.com:5432:bans:f2b:none\n\ndb.example.com:*:bans:*:two:and more\nother:*:*:*:x", "two"],
  ["db.example.com:6432:bans:f2b:no\n*:5432:bans:f2b:a\\:b\\\\c", "a:b\\c"],
  ["db.example.com:5432:bans:f2b", null],
  ["example.com:5432:bans:f2b:no\ndb.example.com:5432:bans:other:no", null],
])("a password file that says %j gives %j", (text, expected) => {
  using root = tempRoot();
  root.write("pgpass", text, 0o600);
  expect(password(root, "postgres://f2b@db.example.com/bans", { PGPASSFILE: root.at("pgpass") })).toBe(
    expected,
  );
});

test("a password that others can read is refused", () => {
  using root = tempRoot();
  root.write("pgpass", "*:*:*:*:from-file\n", 0o640);
  const withPassword = `postgres://f2b:${secret}@db.example.com/bans`;
  const configured = refusal(() => password(root, withPassword, {}, 0o644));
  expect(configured).toContain(`"${root.at("config.toml")}": others can read it`);
  expect(configured).not.toContain(secret);
  const env = { PGPASSFILE: root.at("pgpass") };
  expect(refusal(() => password(root, "postgres://f2b@db.example.com/bans", env))).toContain(
    "others can read it",
  );
  chmodSync(root.at("pgpass"), 0o600);
  expect(password(root, "postgres://f2b@db.example.com/bans", env)).toBe("from-file");
});
