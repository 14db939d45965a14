import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A directory that stands for "/"; gone at the end of the test. */
export interface TempRoot extends Disposable {
  readonly path: string;
  at(path: string): string;
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  /** Every file and directory with permissions and content, to compare. */
  tree(under?: string): Readonly<Record<string, string>>;
}

export function tempRoot(): TempRoot {
  const path = mkdtempSync(join(tmpdir(), "fail2ban-cloudflare-root-"));
  const at = (name: string): string => join(path, name);
  return {
    path,
    at,
    write(name, text, mode = 0o644) {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), text);
      chmodSync(at(name), mode);
    },
    read: (name) => readFileSync(at(name), "utf8"),
    tree: (under = "/") =>
      Object.fromEntries(
        readdirSync(at(under), { recursive: true, encoding: "utf8" })
          .sort()
          .map((name) => [name, describe(join(at(under), name))]),
      ),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

function describe(path: string): string {
  const found = lstatSync(path);
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isDirectory()) return `${mode} directory`;
  if (found.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  return found.isFile() ? `${mode} ${Bun.hash(readFileSync(path)).toString(16)}` : "special";
}
