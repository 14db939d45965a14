import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { exposition } from "../../src/commands/metrics/exposition.ts";
import { replaceFile } from "../../src/commands/metrics/replace-file.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { mustRun, runProgram, startProgram } from "../support/program.ts";
import { testRuntime } from "../support/runtime.ts";
import { site } from "../support/site.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

// Real programs on a busy machine.
setDefaultTimeout(60_000);

const startAt = Date.UTC(2026, 0, 1, 12);
const docs = join(import.meta.dir, "../../docs");
const prefix = "fail2ban_cloudflare_";
const isCreate = ({ method }: { method: string }) => method === "POST";

/** The metrics of a server where everything that has a metric has happened, but for a list that is full. */
async function metricsOfBusySite(): Promise<string> {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt, config: { budget: "10" } });
  edge.fail({ kind: "status", status: 400, code: 10014, message: "no" }, { times: 1, when: isCreate });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  web.clock.now = startAt;
  await web.run("ban 203.0.113.2 --jail sshd");
  for (let last = 10; last < 22; last += 1) await web.run(`ban 203.0.113.${last} --jail nginx-limit-req`);
  await web.deliverOnce();
  web.clock.now = startAt + 5_000;
  return (await web.run("metrics")).stdout;
}

function namesIn(text: string): string[] {
  return [...new Set(text.match(/\bfail2ban_cloudflare_\w+/g) ?? [])].toSorted();
}

test("metrics say what status says", async () => {
  const lines = (await metricsOfBusySite()).split("\n").filter((line) => !line.startsWith("#"));
  const version = /version="[^"]+"/;
  expect(lines.map((line) => line.replace(version, "version").replace(prefix, ""))).toEqual([
    'info{version,host="web1"} 1',
    'verdict{verdict="ok"} 1',
    'verdict{verdict="config"} 0',
    'verdict{verdict="rejected"} 0',
    'verdict{verdict="unavailable"} 0',
    'troubles{kind="config"} 0',
    'troubles{kind="rejected"} 0',
    'troubles{kind="unavailable"} 0',
    'holds{jail="nginx-limit-req"} 12',
    'holds{jail="sshd"} 2',
    'holds_pending{jail="nginx-limit-req"} 5',
    'holds_pending{jail="sshd"} 0',
    'holds_parked{jail="nginx-limit-req"} 0',
    'holds_parked{jail="sshd"} 1',
    'bans_total{jail="nginx-limit-req"} 12',
    'bans_total{jail="sshd"} 2',
    "networks 14",
    "networks_pending 5",
    "networks_parked 1",
    `pending_oldest_timestamp_seconds ${startAt / 1_000}`,
    `backlog_done_timestamp_seconds ${startAt / 1_000 + 310}`,
    'edge_rules{scope="zone example.com",profile=""} 8',
    'edge_foreign_rules{scope="zone example.com",profile=""} 0',
    `last_success_timestamp_seconds{scope="zone example.com",profile=""} ${startAt / 1_000}`,
    `last_error_timestamp_seconds{scope="zone example.com",profile=""} ${startAt / 1_000}`,
    "api_calls 10",
    "api_calls_limit 10",
  ]);
});

test("a credential that is rejected is in the verdict and the troubles", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt });
  edge.revoke(edge.token);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  const { code, stdout } = await web.run("metrics");
  expect(code).toBe(0);
  expect(stdout).toContain('verdict{verdict="rejected"} 1');
  expect(stdout).toContain('troubles{kind="rejected"} 1');
});

test("promtool finds nothing to say of the metrics, of a new server's too", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const text of [await metricsOfBusySite(), (await web.run("metrics")).stdout]) {
    const { code, stdout, stderr } = await runProgram(["promtool", "check", "metrics"], {
      stdin: `${text}\n`,
    });
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: "" });
  }
});

test("Prometheus's OpenMetrics parser takes every sample", async () => {
  using temporary = tempRoot();
  // What promtool imports has moments; OpenMetrics itself does not ask for them.
  const text = (await metricsOfBusySite()).replace(/^[^#].*$/gm, `$& ${startAt / 1_000}`);
  temporary.write("metrics.txt", `${text}\n`);
  const [from, to] = [temporary.at("metrics.txt"), temporary.at("data")];
  await mustRun(["promtool", "tsdb", "create-blocks-from", "openmetrics", from, to]);
  // Which "dump" looks for.
  mkdirSync(temporary.at("data/wal"));
  const stored = await mustRun(["promtool", "tsdb", "dump", to]);
  const samples = text.split("\n").filter((line) => !line.startsWith("#"));
  expect(stored.match(/^\{/gm)).toHaveLength(samples.length);
});

test("a jail may be called anything", async () => {
  const strange = 'a"b\\c\nd';
  const sample = { labels: { jail: strange }, value: 1 };
  const text = exposition([{ name: "x", type: "gauge", help: "x", samples: [sample] }]);
  expect(text).toBe('# HELP x x\n# TYPE x gauge\nx{jail="a\\"b\\\\c\\nd"} 1\n# EOF\n');
  const { code } = await runProgram(["promtool", "check", "metrics"], { stdin: text });
  expect(code).toBe(0);
});

test("--output replaces the file in one step, for everybody to read, and leaves nothing beside it", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  using temporary = tempRoot();
  temporary.write("fail2ban-cloudflare.prom", "old\n", 0o600);
  const path = temporary.at("fail2ban-cloudflare.prom");
  expect(await web.runArgs("metrics", "--output", path)).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(temporary.read("fail2ban-cloudflare.prom")).toEndWith("\n# EOF\n");
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(readdirSync(temporary.path)).toEqual(["fail2ban-cloudflare.prom"]);
});

test("whoever owns the directory gets no other file's permissions changed by a link in the name's place", async () => {
  using temporary = tempRoot();
  temporary.write("secret", "", 0o600);
  temporary.write("directory/file.prom", "old");
  const [directory, victim] = [temporary.at("directory"), temporary.at("secret")];
  // Stands ready for the moment between the writing and what comes after.
  const attack = `cd "$0"; : > ready; while :; do for name in .file.prom.*; do
    [ -e "$name" ] && [ ! -L "$name" ] && ln -sf "$1" .link && mv -f .link "$name"; done; done`;
  const attacker = startProgram(["sh", "-c", attack, directory, victim], temporary.at("output"));
  // So long that the attacker has time.
  const text = "x".repeat(50 << 20);
  const hasHit = () => lstatSync(temporary.at("directory/file.prom")).isSymbolicLink();
  let hits = 0;
  try {
    await until(() => existsSync(temporary.at("directory/ready")), { what: () => attacker.output() });
    for (let tries = 0; tries < 60 && hits < 3; tries += 1) {
      replaceFile(testRuntime(), temporary.at("directory/file.prom"), text);
      hits += hasHit() ? 1 : 0;
    }
  } finally {
    await attacker.end("SIGKILL");
  }
  expect(hits).toBe(3);
  expect(statSync(victim).mode & 0o777).toBe(0o600);
});

test.each([
  ["metrics.prom", 2, 'Cannot write "metrics.prom": not an absolute path (begin it with /)'],
  ["/nonexistent/metrics.prom", 3, 'Cannot write "/nonexistent/metrics.prom": ENOENT (ls -ld /nonexistent)'],
  ["/proc", 3, 'Cannot write "/proc": E'],
])("--output %s is refused with a remedy", async (path, code, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const ended = await web.runArgs("metrics", "--output", path);
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toContain(says);
});

test("docs/metrics.md names every metric of a server with its type and what it says", async () => {
  const text = readFileSync(join(docs, "metrics.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\w+) +\| .*? \| (.*?) +\|$/gm)];
  const documented = rows
    .map(([, name, type, help]) => `${prefix}${name} ${type} ${help}`)
    .filter((row) => !/out_for_capacity|_fleet_/.test(row));
  const printed = [...(await metricsOfBusySite()).matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(
    ([, name, help, type]) => `${name} ${type} ${help}`,
  );
  expect(documented.toSorted()).toEqual(printed.toSorted());
});

test("the dashboard shows every metric, and asks for no other", async () => {
  const dashboard = readFileSync(join(docs, "grafana-dashboard.json"), "utf8");
  const shown = namesIn(dashboard).filter((name) => !name.includes("out_for_capacity"));
  const printed = namesIn(await metricsOfBusySite());
  expect(shown).toEqual(printed);
});

test("promtool takes every query of the dashboard, and the alerts", async () => {
  using temporary = tempRoot();
  const { panels } = JSON.parse(readFileSync(join(docs, "grafana-dashboard.json"), "utf8"));
  const queries: string[] = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
    targets.map(({ expr }) => expr.replace("$__rate_interval", "5m")),
  );
  expect(queries.length).toBeGreaterThan(15);
  const rules = queries.map((expr, index) => ({ record: `panel:query:${index}`, expr }));
  temporary.write("queries.yml", JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  await mustRun(["promtool", "check", "rules", temporary.at("queries.yml"), join(docs, "alerts.yml")]);
});

test("each alert fires when it should, and none does on a healthy server", async () => {
  using temporary = tempRoot();
  const series = (name: string, values: string) => ({ series: name, values });
  const file = 'node_textfile_mtime_seconds{file="/x/fail2ban-cloudflare.prom",instance="web1"}';
  const trouble = (kind: string) => `${prefix}troubles{kind="${kind}",instance="web1"}`;
  const healthy = [
    series(file, "0+60x60"),
    series(trouble("rejected"), "0x60"),
    series(trouble("unavailable"), "1x60"),
  ];
  const oldest = series(`${prefix}pending_oldest_timestamp_seconds{instance="web1"}`, "0x60");
  const query = { expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: "16m" };
  const expecting = (alerts: readonly string[]) => ({
    ...query,
    exp_samples: alerts.map((name) => ({ labels: `{alertname="Fail2banCloudflare${name}"}`, value: 1 })),
  });
  const tests = [
    { input: healthy, alerts: [] },
    { input: [...healthy, oldest], alerts: ["NotDelivered"] },
    { input: [...healthy, series(trouble("config"), "2x60")], alerts: ["Rejected"] },
    { input: [series(file, "0x60")], alerts: ["Silent"] },
  ].map(({ input, alerts }) => ({
    interval: "1m",
    input_series: input,
    promql_expr_test: [expecting(alerts)],
  }));
  temporary.write(
    "tests.yml",
    JSON.stringify({ rule_files: [join(docs, "alerts.yml")], evaluation_interval: "1m", tests }),
  );
  await mustRun(["promtool", "test", "rules", temporary.at("tests.yml")]);
});
