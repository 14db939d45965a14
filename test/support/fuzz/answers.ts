import fc from "fast-check";
import type { Answer } from "../cloudflare/answer.ts";

/** What the liar claims to have rules for: what the tests hold. */
export const held = ["203.0.113.7", "198.51.100.0/24", "2001:db8::7"];

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const weird: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, "", "block", 0, -1, 1e9, 10009, 7003, true, [], {}, [[]], [null], ["x"], "10009"),
  fc.jsonValue({ maxDepth: 2 }),
  hex,
);
const or = (sound: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 5, arbitrary: sound }, { weight: 1, arbitrary: weird });
const rule = fc.record(
  {
    id: or(hex),
    mode: or(fc.constantFrom("block", "whitelist", "challenge")),
    notes: or(fc.constantFrom("Fail2Ban sshd host:web1", "somebody else's", "")),
    configuration: or(
      fc.record({ target: or(fc.constant("ip")), value: or(fc.constantFrom(...held)) }, { requiredKeys: [] }),
    ),
    scope: or(fc.record({ type: or(fc.constantFrom("zone", "user")) }, { requiredKeys: [] })),
  },
  { requiredKeys: [] },
);
const notId = weird.filter((text) => typeof text !== "string" || text.length !== 32);
const zone = fc.record(
  // An id that could be true is believed, and remembered: that much trust an API must have.
  { id: notId, name: or(fc.constantFrom("example.com", "example.net")) },
  { requiredKeys: [] },
);
const list = fc.record(
  {
    id: or(hex),
    name: or(fc.constantFrom("fail2ban", "fail2ban_challenge")),
    kind: or(fc.constantFrom("ip", "hostname")),
    num_items: or(fc.constantFrom(0, 1, 600, 1e9)),
  },
  { requiredKeys: [] },
);
const item = fc.record(
  { id: or(hex), ip: or(fc.constantFrom(...held)), comment: or(fc.constant("Fail2Ban sshd host:web1")) },
  { requiredKeys: [] },
);
const operation = fc.record(
  {
    operation_id: or(hex),
    status: or(fc.constantFrom("pending", "running", "completed", "failed")),
    error: or(fc.constantFrom("This list is at the maximum number of items", "no")),
  },
  { requiredKeys: [] },
);
const customRule = fc.record(
  {
    id: or(hex),
    action: or(fc.constantFrom("block", "skip")),
    expression: or(fc.constantFrom("(ip.src in $fail2ban)", "(ip.src in $other)")),
    enabled: or(fc.boolean()),
    ref: or(fc.constant("fail2ban_cloudflare_fail2ban")),
  },
  { requiredKeys: [] },
);
const ruleset = fc.record(
  { id: or(hex), rules: or(fc.array(or(customRule), { maxLength: 3 })) },
  { requiredKeys: [] },
);
const code = fc.constantFrom(10003, 10038, 10009, 10001, 10000, 9109, 971, 7003, 1001, 0);
const apiError = fc.record(
  {
    code: or(code),
    message: or(fc.string({ unit: "binary" })),
    error_chain: or(fc.array(or(fc.record({ code })))),
  },
  { requiredKeys: [] },
);
const listResults = [
  operation,
  ruleset,
  list,
  fc.array(or(list), { maxLength: 3 }),
  fc.array(or(item), { maxLength: 3 }),
];
const envelope = fc.record(
  {
    success: or(fc.boolean()),
    errors: or(fc.array(or(apiError), { maxLength: 3 })),
    result: or(
      fc.oneof(
        rule,
        fc.array(or(rule), { maxLength: 3 }),
        fc.array(or(zone), { maxLength: 3 }),
        ...listResults,
      ),
    ),
    result_info: or(
      fc.record(
        {
          total_pages: or(fc.constantFrom(0, 1, 2, -1, 1.5, 1e9)),
          total_count: or(fc.constantFrom(0, 1, 1e12)),
          per_page: or(fc.constantFrom(0, 100, -1)),
          cursors: or(fc.record({ after: or(fc.constantFrom("", "next", "again")) }, { requiredKeys: [] })),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: ["success"] },
);
const header = fc.constantFrom(
  "",
  "0",
  "-1",
  "1e999",
  "1e308",
  "soon",
  "99999999999999999999",
  "0x10",
  "Infinity",
);
const headers = fc.record(
  {
    "Retry-After": header,
    Ratelimit: fc.constantFrom('"default";r=0;t=99999999999999999999', '"default";r=-1;t=x', ";;;", "r=0"),
    "Content-Type": fc.constantFrom("text/html", "application/json", ""),
    "Content-Encoding": fc.constant("nonsense"),
    Location: fc.constant("http://127.0.0.1:1/"),
  },
  { requiredKeys: [] },
);
/** An answer of any shape, many of them nearly sound. */
export const answer: fc.Arbitrary<Answer> = fc.record({
  status: fc.oneof(
    { weight: 5, arbitrary: fc.constant(200) },
    fc.constantFrom(201, 204, 301, 304, 400, 401, 403, 404, 408, 409, 418, 429, 500, 503, 521, 599),
  ),
  headers: fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, headers),
  body: fc.oneof(
    { weight: 8, arbitrary: envelope },
    weird,
    fc.constantFrom("<html>503</html>", "", "{", "null", '{"success":true', "[".repeat(100_000), "\u0000"),
    fc.string({ unit: "binary" }),
  ),
});

/** Bodies that were once believed, and ended in a stack trace. */
export const lies: readonly unknown[] = [
  { success: false, errors: [null] },
  { success: false, errors: ["no"] },
  { success: false, errors: [{ message: {}, error_chain: [null] }] },
  { success: true, result: {} },
  { success: true, result: [null] },
  { success: true, result: [{ name: null }] },
  { success: true, result: [{ id: null, name: "example.com", configuration: null }] },
  { success: true, result: "done", result_info: null },
  { success: "true" },
];
