import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** An answer of Cloudflare as somebody recorded, reported or quoted it. */
export interface Fixture {
  readonly name: string;
  readonly status: number;
  readonly body: { readonly errors?: readonly object[] | null };
}

/** Where the recorded answers, which are no part of this project, are looked for. */
const fixturesPath =
  process.env["CLOUDFLARE_FIXTURES"] ?? join(import.meta.dir, "../../../shared/cloudflare/fixtures");

/** The recorded answers by name; none, with a warning, when they are not there. */
export function fixtures(): ReadonlyMap<string, Fixture> {
  let files: string[];
  try {
    files = readdirSync(fixturesPath).filter((file) => file.endsWith(".json"));
  } catch {
    console.warn(`SKIPPED: the fake is not compared with recorded answers, none at ${fixturesPath}`);
    return new Map();
  }
  return new Map(
    files.map((file) => {
      const { status = 200, body } = JSON.parse(readFileSync(join(fixturesPath, file), "utf8"));
      const name = file.replace(/\.json$/, "");
      return [name, { name, status, body }];
    }),
  );
}
