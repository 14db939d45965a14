import { expect, test } from "bun:test";
import { callsOf, listConfig, listSite } from "../support/list-site.ts";

const permissions = ["Zone Read", "Account Filter Lists Write", "Zone WAF Write"] as const;

async function limited(without: (typeof permissions)[number]) {
  const both = listSite();
  const { edge, web } = both;
  const token = "test-token-limited";
  edge.grant(token, { permissions: permissions.filter((one) => one !== without) });
  const path = web.write("limited", token);
  web.configure({ config: listConfig(edge, { api_token_file: JSON.stringify(path) }) });
  return { both, edge, web, mend: () => edge.grant(token, { permissions }) };
}

test.each(["Account Filter Lists Write", "Zone WAF Write"] as const)(
  "a token without %p is said loudly with the remedy, and nothing is half made",
  async (missing) => {
    const { both, edge, web, mend } = await limited(missing);
    await using _ = both;
    await web.run("ban 203.0.113.7 --jail sshd");
    expect((await web.deliverOnce()).code).toBe(4);
    const said =
      /Cannot provide list "fail2ban": .*Account Filter Lists: Edit and Zone WAF: Edit, then run: fail2ban-cloudflare sync --provision/;
    expect(web.log()).toMatch(said);
    expect(await web.run("status")).toMatchObject({ code: 4, stdout: expect.stringMatching(said) });
    expect(edge.lists.names()).toEqual([]);
    const from = edge.calls.length;
    await web.deliverOnce();
    expect(callsOf(edge, from).length).toBeLessThanOrEqual(2);
    mend();
    expect((await web.run("sync --provision")).code).toBe(0);
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    expect((await web.run("status")).code).toBe(0);
  },
);

test("a token that may not see rules serves a list that somebody else has provided", async () => {
  const { both, edge, web } = await limited("Zone WAF Write");
  await using _ = both;
  edge.lists.plant("fail2ban");
  edge.customRules.plant({ action: "block", expression: "(ip.src in $fail2ban)" });
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliver()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(web.log()).toContain("Cannot check the rule for list fail2ban in zone example.com");
});
