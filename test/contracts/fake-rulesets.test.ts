import { expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

const entrypoint = "/zones/{zone}/rulesets/phases/http_request_firewall_custom/entrypoint";
const block = (expression: string) => ({ action: "block", expression });

/** A fake whose first zone has one rule of somebody else. */
async function withRule() {
  const edge = fakeCloudflare();
  edge.lists.plant("fail2ban");
  edge.customRules.plant({ ...block('(http.host eq "example.com")'), description: "theirs", logging: {} });
  const { body } = await ask(edge, `GET ${entrypoint}`);
  return { edge, ruleset: String(Object(body).result.id) };
}

test("a rule is added at the end, and the answer is the whole ruleset", async () => {
  const { edge, ruleset } = await withRule();
  await using _ = edge;
  const body = { ...block("(ip.src in $fail2ban)"), description: "ours", enabled: true };
  const answer = await ask(edge, `POST /zones/{zone}/rulesets/${ruleset}/rules`, { body });
  const rules = edge.customRules.of();
  expect(rules.map(({ description }) => description)).toEqual(["theirs", "ours"]);
  expect(Object(answer.body).result.rules).toEqual(rules);
  expect(edge.violations).toEqual([]);
});

test("a position puts a rule where it says", async () => {
  const { edge, ruleset } = await withRule();
  await using _ = edge;
  const body = { ...block("(ip.src in $fail2ban)"), description: "ours", position: { index: 1 } };
  await ask(edge, `POST /zones/{zone}/rulesets/${ruleset}/rules`, { body });
  expect(edge.customRules.of().map(({ description }) => description)).toEqual(["ours", "theirs"]);
});

test("a PATCH replaces a rule's definition: what is not sent is gone; other rules stay as they are", async () => {
  const { edge, ruleset } = await withRule();
  await using _ = edge;
  edge.customRules.plant({ ...block("(ip.src in $fail2ban)"), description: "ours" });
  const [theirs, ours] = edge.customRules.of();
  const body = { action: "js_challenge", expression: "(ip.src in $fail2ban)" };
  await ask(edge, `PATCH /zones/{zone}/rulesets/${ruleset}/rules/${ours?.id}`, { body });
  const [before, after] = edge.customRules.of();
  expect(before).toEqual(theirs);
  expect(after).toMatchObject({ id: ours?.id, version: "2", action: "js_challenge" });
  expect(after?.description).toBeUndefined();
  await ask(edge, `DELETE /zones/{zone}/rulesets/${ruleset}/rules/${ours?.id}`);
  expect(edge.customRules.of()).toEqual(theirs === undefined ? [] : [theirs]);
});

test("a PUT of the entrypoint replaces every rule, and makes the ruleset where there is none", async () => {
  const { edge } = await withRule();
  await using _ = edge;
  await ask(edge, `PUT ${entrypoint}`, { body: { rules: [block("(ip.src in $fail2ban)")] } });
  expect(edge.customRules.of()).toMatchObject([{ expression: "(ip.src in $fail2ban)" }]);
  await using fresh = fakeCloudflare();
  await ask(fresh, `PUT ${entrypoint}`, { body: { rules: [block('(http.host eq "example.com")')] } });
  expect(fresh.customRules.of()).toHaveLength(1);
  expect([edge.violations, fresh.violations]).toEqual([[], []]);
});

test("a ruleset is made where there is none, and refused where there is one", async () => {
  const { edge } = await withRule();
  await using _ = edge;
  const rules = [block('(http.host eq "www.example.com")')];
  const body = { name: "default", kind: "zone", phase: "http_request_firewall_custom", rules };
  const refused = await ask(edge, "POST /zones/{zone}/rulesets", { body });
  expect([refused.status, Object(refused.body).errors[0].code]).toEqual([400, 20217]);
  expect(edge.customRules.of()).toMatchObject([{ description: "theirs" }]);
  await using fresh = fakeCloudflare();
  await ask(fresh, "POST /zones/{zone}/rulesets", { body });
  expect(fresh.customRules.of()).toMatchObject(rules);
  expect([edge.violations, fresh.violations]).toEqual([[], []]);
});

test.each([
  ["a list that is not there", block("(ip.src in $nowhere)"), undefined],
  ["no action", { expression: "(ip.src in $fail2ban)" }, undefined],
  ["one rule more than the plan allows", block("(ip.src in $fail2ban)"), 20217],
])("a rule with %s is refused and changes nothing", async (name, body, code) => {
  const { edge, ruleset } = await withRule();
  await using _ = edge;
  if (name.startsWith("one")) edge.customRules.mostRules = 1;
  const before = edge.customRules.of();
  const answer = await ask(edge, `POST /zones/{zone}/rulesets/${ruleset}/rules`, { body });
  expect([answer.status, Object(answer.body).errors[0].code]).toEqual([400, code]);
  expect(edge.customRules.of()).toEqual(before);
});
