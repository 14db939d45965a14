import type { FakeCloudflare } from "./fake-cloudflare.ts";

/** Five rules as people make them in the dashboard, with whatever it puts into them. */
const foreign = [
  {
    action: "skip",
    expression: '(ip.src in {192.0.2.1 2001:db8::1} and http.host eq "example.com")',
    description: "our office & <partners>",
    action_parameters: { ruleset: "current", phases: ["http_ratelimit"] },
    logging: { enabled: true },
  },
  { action: "managed_challenge", expression: "(cf.threat_score gt 14)", description: "", enabled: false },
  { action: "block", expression: '(http.user_agent contains "fail2ban")', ref: "theirs", categories: ["a"] },
  {
    action: "block",
    expression: "(ip.src in $fail2ban_office)",
    description: "fail2ban-cloudflare: list fail2ban_office",
  },
  {
    action: "block",
    expression: '(http.request.uri.path eq "/wp-login.php")',
    action_parameters: { response: { status_code: 410, content: "gone", content_type: "text/plain" } },
  },
] as const;

/** Fills the first zone with other people's rules, beside a list of theirs; returns them byte for byte. */
export function withForeignRules(edge: FakeCloudflare): string {
  edge.lists.plan.lists = 10;
  edge.customRules.mostRules = 20;
  edge.lists.plant("fail2ban_office");
  for (const rule of foreign) edge.customRules.plant(rule);
  return JSON.stringify(edge.customRules.of());
}
