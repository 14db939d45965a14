import type { Account, Zone } from "./directory.ts";

export interface WantedZone {
  readonly name: string;
  readonly id?: string;
  readonly accountId?: string;
  readonly status?: Zone["status"];
}

/** The zones, and the accounts that they are in; there is always one account. */
export function worldOf(wanted: readonly WantedZone[]): {
  readonly zones: Zone[];
  readonly accounts: readonly Account[];
} {
  const ids = new Set(wanted.map(({ accountId = idOf("account") }) => accountId));
  if (ids.size === 0) ids.add(idOf("account"));
  const accounts = [...ids].map((id, index): Account => ({
    id,
    name: `Test account ${index + 1}`,
    scope: { type: "account", id },
  }));
  const zones = wanted.map(
    ({ name, id = idOf(name), accountId = idOf("account"), status = "active" }): Zone => ({
      id,
      name,
      account: first(accounts.filter((account) => account.id === accountId)),
      status,
      scope: { type: "zone", id },
    }),
  );
  return { zones, accounts };
}

/** 32 lower-case hexadecimal digits, the same for the same name in every process. */
export function idOf(name: string): string {
  return new Bun.CryptoHasher("md5").update(name).digest("hex");
}

/** The first of several; throws when there is none. */
export function first<Item>(items: readonly Item[]): Item {
  const [item] = items;
  if (item === undefined) throw new Error("The fake Cloudflare was made without a zone");
  return item;
}
