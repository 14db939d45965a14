import { describe, expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
import { openapi } from "../support/contract.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

const contract = openapi();
const rules = "/zones/0123456789abcdef0123456789abcdef/firewall/access_rules/rules";
const query = (text: string) => new URLSearchParams(text);
const block = (target: string, value: string) => ({ mode: "block", configuration: { target, value } });

describe.skipIf(contract === null)("contract", () => {
  test.each([
    ["GET", rules, "", undefined],
    ["GET", rules, "configuration.target=ip6&page=2&per_page=50&match=all", undefined],
    ["GET", rules, "configuration_target=ip&configuration_value=192.0.2.1", undefined],
    ["POST", rules, "", block("ip", "192.0.2.1")],
    ["PATCH", `${rules}/1`, "", { mode: "block", notes: "" }],
    ["DELETE", `${rules}/1`, "", undefined],
    ["DELETE", `${rules}/1`, "", { cascade: "none" }],
    ["GET", "/zones", "name=example.com&per_page=50", undefined],
  ])("takes %s %s ?%s %j", (method, path, search, body) => {
    expect(contract?.validateRequest(method, path, query(search), body)).toEqual([]);
  });

  test.each([
    ["GET", "/radar", "", undefined, "not documented"],
    ["PUT", rules, "", {}, "not documented"],
    ["GET", rules, "mode=ban", undefined, "query /mode must be equal to one of the allowed values"],
    ["GET", rules, "page=x", undefined, "query /page must be integer"],
    ["GET", rules, "ip=192.0.2.1", undefined, 'query "ip" is not documented'],
    ["GET", "/zones", "per_page=100", undefined, "query /per_page must be <= 50"],
    ["POST", rules, "", undefined, "body is missing"],
    ["POST", rules, "", { mode: "block" }, "body must have required property 'configuration'"],
    ["GET", "/zones", "", {}, "body is not documented"],
  ])("objects to %s %s ?%s %j", (method, path, search, body, objection) => {
    expect(contract?.validateRequest(method, path, query(search), body)).toEqual([
      `request ${method} ${path}: ${objection}`,
    ]);
  });

  test.each([
    [200, { success: true, errors: [], messages: [], result: {} }],
    [200, { success: false, errors: [], messages: [], result: null }],
    [404, { success: true, errors: [{ code: 1, message: "" }], messages: [], result: null }],
    [404, "<html>"],
  ])("objects to the answer %i %j", (status, body) => {
    expect(contract?.validateAnswer("GET", `${rules}/1`, status, body)).not.toEqual([]);
  });

  test("what a client does wrong stands in the violations of the fake", async () => {
    await using edge = fakeCloudflare();
    await ask(edge, "GET /zones?per_page=500");
    expect(edge.violations).toEqual(["request GET /zones: query /per_page must be <= 50"]);
  });

  test("the fake keeps no violations where it is told not to", async () => {
    await using edge = fakeCloudflare({ contract: "off" });
    await ask(edge, "GET /zones?per_page=500");
    expect(edge.violations).toEqual([]);
  });
});
