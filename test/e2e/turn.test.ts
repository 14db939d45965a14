import { expect, test } from "bun:test";
import { endCouriers, runBinary } from "../support/binary.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { processesOf } from "../support/program.ts";
import { site } from "../support/site.ts";
import { until } from "../support/wait.ts";

test("a person's command has the turn of a courier that waits, and a courier is there again afterwards", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const run = (line: string) => runBinary(["--config", web.configPath, ...line.split(" ")]);
  const couriers = () => processesOf("--config", web.configPath, "deliver");
  await using _ = { [Symbol.asyncDispose]: () => endCouriers(web.configPath) };
  // It ends within ten minutes: the courier stays for that.
  await run("ban 203.0.113.7 --jail sshd --bantime 300 --wait");
  const [waiting] = couriers();
  edge.remove(edge.rules()[0]?.id ?? "");
  expect(await run("sync")).toMatchObject({ code: 0 });
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  await until(() => couriers().some((pid) => pid !== waiting), { what: "another courier" });
  expect(await run("deliver --once")).toMatchObject({ code: 0 });
  await run("unban 203.0.113.7 --jail sshd");
  await until(() => edge.blocked().length === 0, { what: () => `the unban\n${web.log()}` });
});
