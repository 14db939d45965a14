import { userInfo } from "node:os";
import { statOf } from "../../config.ts";

/** What others than root, and than who runs this, may do with a file. */
export type Others = "change" | "read" | "nothing";

/** "nothing" for a file that is not there. */
export function othersMay(path: string): Others {
  const found = statOf(path);
  if (found === null) return "nothing";
  const foreign = found.uid !== 0 && found.uid !== userInfo().uid;
  if (foreign || (found.mode & 0o022) !== 0) return "change";
  return (found.mode & 0o044) === 0 ? "nothing" : "read";
}
