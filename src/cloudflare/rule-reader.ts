import { Failure } from "../errors.ts";
import type { Answer } from "./client.ts";
import { readRule } from "./rule.ts";
import type { AccessRule } from "./rule.ts";

const notFound = 10001;

/** The rule in an answer; null for anything else. */
export function ruleIn(answer: Answer): AccessRule | null {
  return answer.ok ? readRule(answer.result) : null;
}

/** Whether an answer says that there is no such rule any more. */
export function isGone(answer: Answer): boolean {
  return answer.ok ? answer.result === null : answer.status === 404 || answer.codes.includes(notFound);
}

/** Why something was not done: Cloudflare will not, or has not said. */
export function refusal(what: string, answer: Answer): Failure {
  if (answer.ok)
    return new Failure("unavailable", `Cloudflare answered without a result when asked to ${what}`);
  return new Failure("refused", `Cloudflare refuses to ${what}: ${answer.message}`, {
    hint: "see: fail2ban-cloudflare list",
  });
}
