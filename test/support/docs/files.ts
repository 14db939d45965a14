import { readPage } from "./pages.ts";

export interface DocumentedFile {
  /** With "…" for what differs from file to file; a directory's ends with a slash. */
  readonly path: string;
  /** As "0644". */
  readonly mode: string;
  readonly goesWith: string;
}

/** The files that docs/operations.md says the program makes. */
export const documentedFiles: readonly DocumentedFile[] = [
  ...readPage("docs/operations.md").matchAll(/^\| `(\/\S+)` +\| (\d{4}) \|.*\| (.*?) *\|$/gm),
].map(([, path = "", mode = "", goesWith = ""]) => ({ path, mode, goesWith }));

export function documentedFile(path: string): DocumentedFile | undefined {
  return documentedFiles.find((one) => {
    const [start = "", end] = one.path.split("…");
    return end === undefined ? path === one.path : path.startsWith(start);
  });
}
