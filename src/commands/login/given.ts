import { quoted } from "../../core/text.ts";
import { keyFound, readSecretFile, tokenFound } from "../../credential.ts";
import type { FoundCredential } from "../../credential.ts";
import { Failure } from "../../errors.ts";
import type { Backend } from "../../wire/inspect.ts";
import type { Asker } from "./asker.ts";
import type { Places } from "./places.ts";

/** What the command line says of the credential and of the places. */
export interface GivenArguments {
  readonly "token-file"?: string | undefined;
  readonly "key-file"?: string | undefined;
  readonly email?: string | undefined;
  readonly zones?: string | undefined;
  readonly account?: string | undefined;
}

/** The places that the command line names; null: none. Only a list has both zones and an account. */
export function placesGiven({ zones, account }: GivenArguments, backend: Backend): Places | null {
  if (zones === undefined) return account === undefined ? null : { zones: [], account };
  const names = zones.split(",").map((name) => name.trim());
  if (account !== undefined && backend !== "list") {
    throw refusal(zones, "an account is named too", "keep one of the two, or add: --backend list");
  }
  if (names.includes("")) throw refusal(zones, "a name is empty", "--zones example.com,example.net");
  return { zones: names, account: account ?? null };
}

function refusal(zones: string, state: string, hint: string): Failure {
  return new Failure("usage", `Cannot log in with --zones ${quoted(zones)}: ${state}`, { hint });
}

/** The credential in the files that the command line names, else what a person types: `asked`. */
export async function credentialGiven(
  { "token-file": tokenFile, "key-file": keyFile, email }: GivenArguments,
  asker: Asker | null,
  explain: () => void,
): Promise<{ readonly found: FoundCredential; readonly asked: boolean }> {
  if (tokenFile !== undefined && (keyFile ?? email) !== undefined) {
    throw new Failure("usage", "Cannot log in with a token and a key at once", {
      hint: "keep one of --token-file and --email",
    });
  }
  if (keyFile !== undefined && email === undefined) {
    throw new Failure("usage", "Cannot log in with --key-file alone: whose key it is must be known", {
      hint: "--email you@example.com",
    });
  }
  if (tokenFile !== undefined) {
    return { found: tokenFound(readSecretFile(tokenFile), tokenFile), asked: false };
  }
  if (email !== undefined && keyFile !== undefined) {
    return { found: keyFound(email, readSecretFile(keyFile), keyFile), asked: false };
  }
  if (asker === null) {
    throw new Failure("usage", "Cannot ask for a token: stdin or stdout is no terminal", {
      hint: "login --token-file FILE, or: login --email ADDRESS --key-file FILE",
    });
  }
  if (email !== undefined) {
    return { found: keyFound(email, await asker.secret("Global API Key:"), "the terminal"), asked: true };
  }
  explain();
  return { found: tokenFound(await asker.secret("API token:"), "the terminal"), asked: true };
}
