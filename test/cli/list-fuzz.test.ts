import { expect, test } from "bun:test";
import fc from "fast-check";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { answer, held } from "../support/fuzz/answers.ts";
import { liar } from "../support/fuzz/liar.ts";
import { listConfig } from "../support/list-site.ts";
import type { Ended } from "../support/site.ts";
import { site } from "../support/site.ts";

/** A documented end without a stack trace. */
async function behaves(running: Promise<Ended>): Promise<Ended> {
  const ended = await running;
  expect([0, 3, 4, 5]).toContain(ended.code);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  return ended;
}

test("whatever the API answers about lists, a delivery ends, calls stay bounded, and all arrives once it is honest", async () => {
  const reactions = fc.array(fc.oneof({ weight: 20, arbitrary: answer }, fc.constant("reset" as const)), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(reactions, async (answers) => {
      await using edge = fakeCloudflare({ contract: "off" });
      await using server = liar(edge);
      const config = { api_base: JSON.stringify(server.url), budget: "100" };
      using web = site(edge, { config: listConfig(edge, config) });
      for (const address of held) await web.run(`ban ${address} --jail sshd`);
      server.lie(answers);
      await behaves(web.deliverOnce());
      await behaves(web.run("sync"));
      await web.run(`unban ${held[0]} --jail sshd`);
      await behaves(web.deliverOnce());
      expect(server.calls()).toBeLessThanOrEqual(100);

      server.tellTheTruth();
      web.clock.now += 3_600_000;
      await behaves(web.run("sync --provision"));
      // What it was told that Cloudflare refuses stays parked until somebody wants it anew.
      for (const address of held) {
        await web.run(`unban ${address} --jail sshd`);
        await web.run(`ban ${address} --jail sshd`);
      }
      expect(await behaves(web.deliverOnce())).toMatchObject({ code: 0 });
      expect(edge.blocked()).toEqual(held.toSorted());
    }),
    { numRuns: 150 },
  );
}, 300_000);
