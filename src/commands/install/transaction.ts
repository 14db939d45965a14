import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { naming } from "./file-failure.ts";

/** Changes to files that either all stay or are all undone, to the byte. */
export interface Transaction {
  /** Makes a directory, or gives one these permissions. */
  directory(path: string, mode: number): void;
  /** `keepAs`: where the file that stood there before is kept. */
  write(path: string, text: string, options: { readonly mode: number; readonly keepAs: string | null }): void;
  copy(from: string, path: string, mode: number): void;
  /** Has nobody but the owner read a file. */
  restrict(path: string): void;
  remove(path: string): void;
  /** Removes a directory when all is done, unless it holds something then. */
  removeEmpty(directory: string): void;
  move(from: string, to: string): void;
  commit(): void;
  /** Undoes everything; what could not be undone, in words. */
  rollBack(): readonly string[];
}

export function beginTransaction(): Transaction {
  const undo: (() => void)[] = [];
  const done: (() => void)[] = [];

  const parents = (path: string): void => {
    const directory = dirname(path);
    if (existsSync(directory)) return;
    parents(directory);
    makeDirectory(directory, 0o755);
  };
  const makeDirectory = (path: string, mode: number): void => {
    mkdirSync(path);
    undo.push(() => rmdirSync(path));
    chmodSync(path, mode);
  };
  const setAside = (path: string): void => {
    const aside = hidden(path, "old");
    rmSync(aside, { force: true });
    renameSync(path, aside);
    undo.push(() => renameSync(aside, path));
    done.push(() => rmSync(aside, { force: true }));
  };
  /** Keeps a name for the file, so that a rename over it loses nothing, and there is no instant without it. */
  const keep = (path: string, kept: string): void => {
    try {
      linkSync(path, kept);
    } catch {
      copyFileSync(path, kept, constants.COPYFILE_EXCL);
      chmodSync(kept, statSync(path).mode & 0o7777);
    }
  };
  const place = (path: string, keepAs: string | null, make: (fresh: string) => void): void => {
    parents(path);
    const fresh = hidden(path, "new");
    rmSync(fresh, { force: true });
    try {
      make(fresh);
      if (!isThere(path)) {
        undo.push(() => rmSync(path, { force: true }));
      } else {
        const kept = keepAs ?? hidden(path, "old");
        if (keepAs === null) rmSync(kept, { force: true });
        keep(path, kept);
        undo.push(() => {
          renameSync(kept, path);
          // A rename between two names of one file does nothing: ours was never placed.
          rmSync(kept, { force: true });
        });
        if (keepAs === null) done.push(() => rmSync(kept, { force: true }));
      }
      renameSync(fresh, path);
    } finally {
      rmSync(fresh, { force: true });
    }
  };

  return {
    directory: naming("make directory", (path: string, mode: number) => {
      if (!existsSync(path)) {
        parents(path);
        makeDirectory(path, mode);
        return;
      }
      const before = statSync(path).mode & 0o7777;
      undo.push(() => chmodSync(path, before));
      chmodSync(path, mode);
    }),
    write: naming("write", (path: string, text: string, { mode, keepAs }) =>
      place(path, keepAs, (fresh) => {
        const file = openSync(fresh, "wx", 0o600);
        try {
          fchmodSync(file, mode);
          writeFileSync(file, text);
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
      }),
    ),
    copy: (from, path, mode) =>
      naming("write", (to: string) =>
        place(to, null, (fresh) => {
          copyFileSync(from, fresh, constants.COPYFILE_FICLONE);
          chmodSync(fresh, mode);
        }),
      )(path),
    restrict: naming("protect", (path: string) => {
      const before = statSync(path).mode & 0o7777;
      undo.push(() => chmodSync(path, before));
      chmodSync(path, before & 0o700);
    }),
    remove: naming("remove", setAside),
    removeEmpty: (directory) => void done.push(() => removeUnlessFull(directory)),
    move: naming("move", (from: string, to: string) => {
      renameSync(from, to);
      undo.push(() => renameSync(to, from));
    }),
    commit() {
      for (const step of done) step();
    },
    rollBack() {
      const left: string[] = [];
      for (const step of undo.reverse()) {
        try {
          step();
        } catch (error) {
          left.push(error instanceof Error ? error.message : String(error));
        }
      }
      return left;
    },
  };
}

function removeUnlessFull(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {}
}

/** A name beside the file that neither fail2ban, systemd nor cron reads. */
function hidden(path: string, ending: "old" | "new"): string {
  return join(dirname(path), `.${basename(path)}.fail2ban-cloudflare-${ending}`);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
