import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";

const startAt = Date.UTC(2026, 0, 1, 12);

test("list has one line for an address, with the jails that hold it, until when, and the rule or the reason", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt });
  await web.run("ban 203.0.113.7 --jail sshd --bantime 600");
  web.clock.now += 1_000;
  await web.run("ban 203.0.113.7 --jail nginx-limit-req --bantime 6000 --mode managed_challenge");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  const isCreate = ({ method }: { method: string }) => method === "POST";
  edge.fail({ kind: "status", status: 400, code: 10014, message: "no" }, { times: 1, when: isCreate });
  web.clock.now += 1_000;
  await web.run("ban 2001:db8::9 --jail sshd");
  await web.deliverOnce();
  web.clock.now = startAt + 60_000;
  await web.run("ban 203.0.113.10 --jail sshd");
  const [first, second] = ["203.0.113.7", "203.0.113.8"].map(
    (value) => edge.rules().find(({ configuration }) => configuration.value === value)?.id,
  );
  expect((await web.run("list")).stdout.split("\n")).toEqual([
    "ADDRESS       JAILS                  MODE   STATE    SINCE                UNTIL                RULE, OR WHY THERE IS NONE",
    `203.0.113.7   sshd, nginx-limit-req  block  blocked  2026-01-01 12:00:00  2026-01-01 13:40:01  ${first}`,
    `203.0.113.8   sshd                   block  blocked  2026-01-01 12:00:01  for ever             ${second}`,
    expect.stringMatching(
      /^2001:db8::9   sshd +block  parked   2026-01-01 12:00:\d\d  for ever +Cloudflare refuses to ban 2001:db8::9: no \(10014\)$/,
    ),
    "203.0.113.10  sshd                   block  pending  2026-01-01 12:01:00  for ever",
  ]);
});

test("list --jail shows what the jail holds, and who holds it too", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt, tables: "[profiles.b]\n" });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.run("ban 203.0.113.8 --jail web --profile b");
  const { stdout } = await web.run("list --jail web");
  expect(stdout.split("\n")).toHaveLength(2);
  expect(stdout).toContain("203.0.113.8  sshd, web (b)");
  const { holds } = JSON.parse((await web.run("list --jail web --json")).stdout);
  expect(holds).toMatchObject([{ address: "203.0.113.8", jail: "web", profile: "b" }]);
});

test.each([
  ["list", "", "Nothing is held"],
  ["list --jail sshd", "", 'Jail "sshd" holds nothing'],
  ["list --json", JSON.stringify({ version: 1, holds: [] }, null, 2), ""],
])("where nothing is held, %j says so and keeps stdout clean", async (line, stdout, stderr) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  expect(await web.run(line)).toEqual({ code: 0, stdout, stderr });
});
