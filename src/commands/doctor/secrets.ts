import { Failure } from "../../errors.ts";
import type { Host } from "./host.ts";

/** The texts of all credentials that can be read; where one cannot, the check of the credential says so. */
export function secretsOf(host: Host): readonly string[] {
  return orNone(() => [...host.config().profiles.values()]).flatMap((profile) =>
    orNone(() => {
      const { credential } = host.credential(profile);
      return [(credential.kind === "token" ? credential.token : credential.key).reveal()];
    }),
  );
}

/** Programs that we ask may quote what they read. */
export function redacted(text: string, secrets: readonly string[]): string {
  return secrets.reduce((before, secret) => before.replaceAll(secret, "[redacted]"), text);
}

function orNone<Item>(list: () => readonly Item[]): readonly Item[] {
  try {
    return list();
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}
