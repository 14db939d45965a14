import { expect, test } from "bun:test";
import { existsSync, utimesSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { wakeCourier } from "../../src/commands/wake.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";

/** A machine on which systemd watches for the wake file. */
function watched(): TempRoot {
  const root = tempRoot();
  root.write("run/systemd/system/booted", "");
  root.write("etc/systemd/system/fail2ban-cloudflare.path", "");
  root.write("var/lib/fail2ban/cloudflare/.keep", "");
  return root;
}

const wakePath = "var/lib/fail2ban/cloudflare/wake";

/** How many couriers the hook starts itself. */
function started(root: TempRoot): number {
  let couriers = 0;
  const runtime = testRuntime({ root: root.path, detach: () => void (couriers += 1) });
  wakeCourier(runtime, loadConfig(runtime, root.at("etc/fail2ban-cloudflare/config.toml")));
  return couriers;
}

test("where systemd watches, a hook creates the wake file and starts nothing", () => {
  using root = watched();
  expect(started(root)).toBe(0);
  expect(existsSync(root.at(wakePath))).toBe(true);
  expect(started(root)).toBe(0);
});

test.each([
  ["is old", -10_000],
  ["is from the future, as after the clock was set back", 86_400_000],
])("a wake file that %s has nobody to watch it: the hook starts a courier", (_, ageMs) => {
  using root = watched();
  root.write(wakePath, "");
  utimesSync(root.at(wakePath), new Date(), new Date(Date.now() + ageMs));
  expect(started(root)).toBe(1);
});
