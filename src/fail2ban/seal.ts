import { lstatSync, readFileSync } from "node:fs";
import { Failure } from "../errors.ts";

/** The first line of every file that we write; the sum tells whether somebody has edited it since. */
const mark = "# Managed by fail2ban-cloudflare";
const sealPattern = /^# Managed by fail2ban-cloudflare(?:, sha256 ([0-9a-f]{16}))?(?:, before it (\S+))?$/;

/** What stands at a place where we write. */
export type Standing =
  | { readonly kind: "absent" }
  | { readonly kind: "foreign" }
  | {
      readonly kind: "ours";
      readonly edited: boolean;
      readonly body: string;
      /** Name of the file, beside it, that stood there before. */
      readonly before: string | null;
    };

/** A file of ours as it is installed: its first line has the sum of the rest, and what it stands in place of. */
export function seal(text: string, before: string | null): string {
  const body = bodyOf(text);
  return `${mark}, sha256 ${sumOf(body)}${before === null ? "" : `, before it ${before}`}\n${body}`;
}

export function standing(path: string): Standing {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { kind: "absent" };
  if (found.isDirectory())
    throw new Failure("config", `Cannot replace "${path}": it is a directory`, {
      hint: "name a file, or move the directory away",
    });
  if (!found.isFile()) return { kind: "foreign" };
  const text = readFileSync(path, "utf8");
  const seal = sealPattern.exec(text.slice(0, text.indexOf("\n")));
  if (seal === null) return { kind: "foreign" };
  const body = bodyOf(text);
  return { kind: "ours", edited: seal[1] !== sumOf(body), body, before: seal[2] ?? null };
}

/** All but the first line. */
export function bodyOf(text: string): string {
  return text.slice(text.indexOf("\n") + 1);
}

function sumOf(body: string): string {
  return new Bun.CryptoHasher("sha256").update(body).digest("hex").slice(0, 16);
}
