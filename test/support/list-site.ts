import { parseAddress } from "../../src/core/address.ts";
import type { Mode } from "../../src/core/hold.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { fakeCloudflare } from "./fake-cloudflare.ts";
import type { FakeOptions } from "./cloudflare/edge.ts";
import { site } from "./site.ts";
import type { Site, SiteOptions } from "./site.ts";

type Lines = NonNullable<SiteOptions["config"]>;

/** Lines of the configuration that have bans go into a list. */
export function listConfig(edge: FakeCloudflare, config: Lines = {}): Lines {
  return { backend: '"list"', account: JSON.stringify(edge.account.id), ...config };
}

/** A site whose bans go into a list, and its Cloudflare, both by the site's clock. */
export interface ListSite extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  readonly web: Site;
}

export function listSite(config: Lines = {}, options: FakeOptions = {}): ListSite {
  const startAt = 1_800_000_000_000;
  let web: Site | null = null;
  const edge = fakeCloudflare({ ...options, now: () => web?.clock.now ?? startAt });
  web = site(edge, { config: listConfig(edge, config), startAt });
  const made = web;
  return {
    edge,
    web: made,
    async [Symbol.asyncDispose]() {
      made[Symbol.dispose]();
      await edge[Symbol.asyncDispose]();
    },
  };
}

/** The addresses of a storm, different for every number below a million. */
export function stormAddress(index: number): string {
  return `198.${51 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

/** Has a jail hold many addresses, the later the newer, as so many hooks would. */
export async function holdMany(
  web: Site,
  indexes: Iterable<number>,
  { jail = "sshd", mode = "block" }: { readonly jail?: string; readonly mode?: Mode } = {},
): Promise<void> {
  using journal = openSqlite(web.journalPath);
  const holder = { profile: "", jail, host: "web1" };
  for (const index of indexes) {
    const address = parseAddress(stormAddress(index));
    await journal.hold({ ...holder, address, networks: [address], mode, untilAt: null }, web.clock.now);
    web.clock.now += 1;
  }
}

/** Has a jail let go of many addresses. */
export async function releaseMany(web: Site, indexes: Iterable<number>, jail = "sshd"): Promise<void> {
  using journal = openSqlite(web.journalPath);
  for (const index of indexes) {
    const address = parseAddress(stormAddress(index));
    await journal.release({ profile: "", jail, host: "web1" }, address, web.clock.now);
  }
}

/** What went over the wire, for the message of a test that counts. */
export function callsOf(edge: FakeCloudflare, from = 0): string[] {
  return edge.calls.slice(from).map(({ method, path, query }) => {
    const short = path.replaceAll(/[0-9a-f]{32}/g, "…");
    const search = new URLSearchParams(query).toString();
    return `${method} ${short}${search === "" ? "" : `?${search}`}`;
  });
}
