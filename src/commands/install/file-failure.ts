import { dirname } from "node:path";
import { Failure } from "../../errors.ts";

/** Looks at files, and says which one it cannot look at. */
export function lookingAtFiles<Seen>(look: () => Seen): Seen {
  try {
    return look();
  } catch (error) {
    throw namedFailure(error, "look at", error instanceof Error && "path" in error ? String(error.path) : "");
  }
}

/** The failure of a file operation, with the file that it was about. */
export function naming<Rest extends readonly unknown[]>(
  what: string,
  operation: (path: string, ...rest: Rest) => void,
): (path: string, ...rest: Rest) => void {
  return (path, ...rest) => {
    try {
      operation(path, ...rest);
    } catch (error) {
      throw namedFailure(error, what, path);
    }
  };
}

/** What the system refused is for an operator to mend; anything else stays as it is. */
function namedFailure(error: unknown, what: string, path: string): unknown {
  if (!(error instanceof Error) || error instanceof Failure || !("code" in error)) return error;
  const code = String(error.code);
  return new Failure("config", `Cannot ${what} "${path}": ${code}`, {
    hint: code === "EACCES" || code === "EPERM" ? "run it as root" : `ls -ld ${dirname(path)}`,
    cause: error,
  });
}
