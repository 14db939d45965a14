import { expect, test } from "bun:test";
import { existsSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { wakeAhead, wakeCourier } from "../../src/commands/wake.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
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

interface Hook {
  readonly couriers: number;
  readonly clock: { now: number };
  /** To be called when the hook has recorded. */
  readonly recorded: () => void;
}

/** A hook that begins to record. */
function recording(root: TempRoot): Hook {
  const clock = { now: Date.now() };
  let couriers = 0;
  const runtime = testRuntime({
    root: root.path,
    now: () => clock.now,
    detach: () => void (couriers += 1),
  });
  const recorded = wakeAhead(runtime, loadConfig(runtime, root.at("etc/fail2ban-cloudflare/config.toml")));
  return {
    clock,
    recorded,
    get couriers() {
      return couriers;
    },
  };
}

test("where nobody has the journal open, a courier is started before the hook has recorded, and no second one", () => {
  using root = tempRoot();
  const hook = recording(root);
  expect(hook.couriers).toBe(1);
  hook.recorded();
  expect(hook.couriers).toBe(1);
});

test.each([
  ["took long to record", 60],
  ["recorded while the clock was set back", -86_400_000],
])("a hook that %s has a courier look after it", (_, ms) => {
  using root = tempRoot();
  const hook = recording(root);
  hook.clock.now += ms;
  hook.recorded();
  expect(hook.couriers).toBe(2);
});

test("where systemd watches, it is asked again by a hook that has recorded: a courier may have looked too soon", () => {
  using root = watched();
  const hook = recording(root);
  expect(existsSync(root.at(wakePath))).toBe(true);
  rmSync(root.at(wakePath));
  hook.recorded();
  expect(existsSync(root.at(wakePath))).toBe(true);
  expect(hook.couriers).toBe(0);
});

test.each([
  ["somebody has the journal open", "var/lib/fail2ban/cloudflare/journal.db"],
  ["a link leads to a journal that somebody has open", "srv/journal.db"],
])("where %s, a courier is woken when the hook has recorded", (_, path) => {
  using root = tempRoot();
  using journal = openSqlite(root.at(path));
  expect(journal.changes()).toBeNumber();
  root.write("var/lib/fail2ban/cloudflare/.keep", "");
  if (path.startsWith("srv/")) symlinkSync(root.at(path), root.at("var/lib/fail2ban/cloudflare/journal.db"));
  const hook = recording(root);
  expect(hook.couriers).toBe(0);
  hook.recorded();
  expect(hook.couriers).toBe(1);
});
