import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

const minuteMs = 60_000;
const jumps = [
  ["back by a minute", -minuteMs],
  ["back by a day", -1_440 * minuteMs],
  ["back by ten years", -5_256_000 * minuteMs],
  ["forward by a day", 1_440 * minuteMs],
  ["forward by ten years", 5_256_000 * minuteMs],
] as const;

/** What stands in the way of a delivery when the clock is set, and how it goes away. */
const obstacles: readonly [
  name: string,
  hinder: (edge: FakeCloudflare) => void,
  mend: (edge: FakeCloudflare) => void,
][] = [
  [
    "an outage",
    (edge) => edge.fail({ kind: "status", status: 500 }, { times: Number.POSITIVE_INFINITY }),
    (edge) => edge.heal(),
  ],
  ["a rate limit", (edge) => edge.fail({ kind: "rateLimited", retryAfterS: 600 }), () => {}],
  [
    "a rejected credential",
    (edge) => edge.revoke(edge.token),
    (edge) => void edge.grant(edge.token, { permissions: "all" }),
  ],
];

test.each(jumps.flatMap(([jump, ms]) => obstacles.map((obstacle) => [jump, ms, ...obstacle] as const)))(
  "a clock set %s does not freeze what waits for (%#)",
  async (_, jumpMs, _name, hinder, mend) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    await web.run("ban 203.0.113.1 --jail sshd");
    await web.deliver();
    hinder(edge);
    await web.run("ban 203.0.113.2 --jail sshd");
    await web.deliverOnce();
    web.clock.now += jumpMs;
    mend(edge);
    // The longest pause that Cloudflare may ask for is one of fifteen minutes.
    expect(await passedUntil(web, () => edge.rules().length === 2)).toBeLessThan(17 * minuteMs);
  },
);

test.each(jumps)(
  "what a flush let go of is gone after the grace though the clock is set %s",
  async (_, jumpMs) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    await web.run("ban 203.0.113.1 --jail sshd");
    await web.deliver();
    await web.run("flush --jail sshd --family inet4");
    web.clock.now += jumpMs;
    expect(await passedUntil(web, () => edge.rules().length === 0)).toBeLessThan(5 * minuteMs);
  },
);

test("a clock that jumps to and fro neither lifts what is held nor floods Cloudflare", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const untilAt = web.clock.now + 5_256_000 * minuteMs;
  web.fail2banBans([{ jail: "sshd", ip: "203.0.113.2", untilAt }]);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.run("ban 203.0.113.2 --jail sshd --bantime 600");
  await web.deliver();
  for (const days of [1, -2, 2, -1, 1]) {
    const before = edge.calls.length;
    web.clock.now += days * 1_440 * minuteMs;
    const jumpedAt = web.clock.now;
    await passedUntil(web, () => web.clock.now - jumpedAt > 5 * minuteMs);
    // One comparison of the edge, perhaps.
    expect(edge.calls.length - before).toBeLessThanOrEqual(3);
    expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
  }
});

/** How long it takes by the site's clock, with a courier every minute as the timer starts it; an hour at most. */
async function passedUntil(web: Site, condition: () => boolean): Promise<number> {
  const beganAt = web.clock.now;
  while (!condition() && web.clock.now - beganAt < 60 * minuteMs) {
    await web.deliver();
    if (!condition()) web.clock.now += minuteMs;
  }
  return web.clock.now - beganAt;
}
