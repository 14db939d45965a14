import { overlaps, readAddress } from "../../core/address.ts";
import { readDump } from "./nginx-config.ts";
import type { Statement } from "./nginx-config.ts";

/** What a block says of the visitor's address, itself or through those around it. */
interface Settings {
  readonly trusted: readonly string[];
  readonly header: string;
}

/** nginx's own, where nothing is said. */
const unset: Settings = { trusted: [], header: "X-Real-IP" };

/** Cloudflare sets the first, and appends to the second, whose last address is the one that counts. */
const headers = ["cf-connecting-ip", "x-forwarded-for"];

/**
 * What keeps nginx from knowing visitors behind Cloudflare, in words, by what `nginx -T` prints; empty: it knows them.
 * Looks at every block that says something of it; a server without a word in it is not ours to judge.
 */
export function checkRealip(dump: string, ranges: readonly string[]): readonly string[] {
  const found = readDump(dump)
    .filter(({ words }) => words[0] === "http")
    .flatMap((http) => settingsIn(http, unset));
  if (found.length === 0) return ["nginx sets no set_real_ip_from: it takes Cloudflare for the visitor"];
  return found.flatMap(({ where, trusted, header }) => [
    ...missing(trusted, ranges).map((range) => `${where}: set_real_ip_from lacks ${range}`),
    ...trusted
      .filter((one) => readAddress(one)?.prefix === 0)
      .map((one) => `${where}: set_real_ip_from ${one} has every visitor name the address that it likes`),
    ...(headers.includes(header.toLowerCase())
      ? []
      : [`${where}: real_ip_header is ${header}, not CF-Connecting-IP`]),
  ]);
}

/** The settings of a block and of those in it, where they say something of their own. */
function settingsIn(
  statement: Statement,
  outer: Settings,
): readonly (Settings & { readonly where: string })[] {
  const inner = statement.block ?? [];
  const values = (name: string) =>
    inner.filter(({ words }) => words[0] === name).map(({ words }) => words[1] ?? "");
  const trusted = values("set_real_ip_from");
  const header = values("real_ip_header").at(-1);
  const settings = { trusted: trusted.length > 0 ? trusted : outer.trusted, header: header ?? outer.header };
  const own = trusted.length > 0 || header !== undefined;
  const where = `${statement.words.join(" ")} in "${statement.path}" line ${statement.line}`;
  return [...(own ? [{ ...settings, where }] : []), ...inner.flatMap((one) => settingsIn(one, settings))];
}

/** The ranges that no trusted network has all of. */
function missing(trusted: readonly string[], ranges: readonly string[]): readonly string[] {
  const networks = trusted.map(readAddress).filter((network) => network !== null);
  return ranges.filter((range) => {
    const wanted = readAddress(range);
    return wanted !== null && !networks.some((one) => one.prefix <= wanted.prefix && overlaps(one, wanted));
  });
}
