import { readFileSync, statSync } from "node:fs";
import { Failure } from "../errors.ts";
import type { Table } from "./reader.ts";

/**
 * The table of a file of TOML; an optional one that is not there is empty. Quotes no part of the file, and refuses one
 * that others can change: they would decide where the token is sent, and what root writes to.
 */
export function readTable(path: string, optional: boolean): Table {
  let [text, othersChange] = ["", false];
  try {
    text = readFileSync(path, "utf8");
    othersChange = (statSync(path).mode & 0o022) !== 0;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" && optional) return {};
    throw new Failure("config", `Cannot read configuration "${path}": ${code}`, {
      hint: code === "ENOENT" ? "run: fail2ban-cloudflare install" : `as root: ls -l ${path}`,
      cause: error,
    });
  }
  if (othersChange) {
    throw new Failure("config", `Cannot trust configuration "${path}": others can change it`, {
      hint: `chown root ${path}; chmod 600 ${path}`,
    });
  }
  try {
    return Bun.TOML.parse(text) as Table;
  } catch {
    // The parser's message may quote the line, and a line may hold a token.
    throw new Failure("config", `Cannot read configuration "${path}": it is not valid TOML${placeOf(text)}`, {
      hint: 'values stand in quotes, as in zones = ["example.com"]',
    });
  }
}

/** In a longer configuration a broken statement is not looked for: a hook must not take long over it. */
const mostLines = 500;

/** Where the first statement begins that is not understood: the parser does not say. */
function placeOf(text: string): string {
  const lines = text.split("\n");
  if (lines.length > mostLines) return "";
  const understood = lines.findLastIndex((_, last) => isToml(lines.slice(0, last + 1).join("\n")));
  return ` from line ${understood + 2} on`;
}

function isToml(text: string): boolean {
  try {
    Bun.TOML.parse(text);
    return true;
  } catch {
    return false;
  }
}
