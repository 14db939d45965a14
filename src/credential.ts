import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Credential } from "./cloudflare/client.ts";
import { statOf } from "./config.ts";
import type { Config, CredentialSource, ProfileConfig } from "./config.ts";
import { Failure } from "./errors.ts";
import { actionFiles, actionOptions } from "./fail2ban/action-options.ts";
import type { Runtime } from "./runtime.ts";
import { Secret } from "./secret.ts";

export interface FoundCredential {
  readonly credential: Credential;
  /** Where it came from, for people. */
  readonly source: string;
  /** Tells credentials apart in the journal without being one. */
  readonly fingerprint: string;
  /** What is wrong with where it stands, though it is used. */
  readonly warning: string | null;
}

/**
 * The credential of a profile. The first found wins: systemd's credential directory, the configuration, the environment,
 * and cfuser/cftoken of fail2ban's action file. Throws a config failure when there is none or a file cannot be trusted.
 */
export function readCredential(runtime: Runtime, config: Config, profile: ProfileConfig): FoundCredential {
  const found =
    fromSystemd(runtime, profile) ??
    fromSource(runtime, config, profile.credential) ??
    fromEnvironment(runtime) ??
    fromActionFile(config);
  if (found === null) {
    throw new Failure("config", `Cannot find a Cloudflare credential: "${config.path}" names none`, {
      hint: "run: fail2ban-cloudflare login",
    });
  }
  return found;
}

/** Checks what the configuration says of a credential as far as a hook can, without needing one to be there. */
export function checkCredentialFiles(runtime: Runtime, config: Config, profile: ProfileConfig): void {
  fromSource(runtime, config, profile.credential);
}

/** The files that say what the credentials are, whether they are there or not. */
export function credentialPaths(runtime: Runtime, config: Config): readonly string[] {
  const named = [...config.profiles.values()].flatMap(({ credential: { apiTokenFile, apiKeyFile } }) =>
    [apiTokenFile, apiKeyFile].filter((path) => path !== undefined).map((path) => join(runtime.root, path)),
  );
  return [config.path, ...named, ...actionFiles(config.fail2ban)];
}

function fromSystemd(runtime: Runtime, profile: ProfileConfig): FoundCredential | null {
  const directory = runtime.env["CREDENTIALS_DIRECTORY"];
  if (directory === undefined) return null;
  const path = join(directory, profile.name === "" ? "cloudflare-token" : `cloudflare-token-${profile.name}`);
  if (statOf(path) === null) return null;
  return tokenFound(readSecretFile(path), path);
}

function fromSource(runtime: Runtime, config: Config, source: CredentialSource): FoundCredential | null {
  if (source.apiToken !== undefined || source.apiKey !== undefined) refuseReadable(config.path);
  if (source.apiToken !== undefined) return tokenFound(source.apiToken.trim(), config.path);
  if (source.apiTokenFile !== undefined) {
    const path = join(runtime.root, source.apiTokenFile);
    refuseReadable(path);
    return tokenFound(readSecretFile(path), path);
  }
  if (source.email === undefined) return null;
  if (source.apiKey !== undefined) return keyFound(source.email, source.apiKey.trim(), config.path);
  if (source.apiKeyFile === undefined) return null;
  const path = join(runtime.root, source.apiKeyFile);
  refuseReadable(path);
  return keyFound(source.email, readSecretFile(path), path);
}

function fromEnvironment({ env }: Runtime): FoundCredential | null {
  const token = env["CLOUDFLARE_API_TOKEN"]?.trim();
  if (token) return tokenFound(token, "CLOUDFLARE_API_TOKEN");
  const [email, key] = [env["CLOUDFLARE_EMAIL"]?.trim(), env["CLOUDFLARE_API_KEY"]?.trim()];
  return email && key ? keyFound(email, key, "CLOUDFLARE_API_KEY") : null;
}

/** As the guides teach: cfuser and cftoken in [Init]; a token alone is an API token. */
function fromActionFile({ fail2ban }: Config): FoundCredential | null {
  const { cfuser, cftoken, path } = actionOptions(fail2ban);
  if (cftoken === "") return null;
  const found = cfuser === "" ? tokenFound(cftoken, path) : keyFound(cfuser, cftoken, path);
  const open = readableByOthers(path);
  return open
    ? { ...found, warning: `"${path}" holds a credential and others can read it: chmod 600 ${path}` }
    : found;
}

/** An API token from somewhere; throws a config failure for a text that cannot be one. */
export function tokenFound(text: string, source: string): FoundCredential {
  const token = new Secret(headerSafe(text, source));
  return credentialFound({ credential: { kind: "token", token }, source, text });
}

/** A Global API Key from somewhere; throws a config failure for a text that cannot be one. */
export function keyFound(email: string, text: string, source: string): FoundCredential {
  const key = new Secret(headerSafe(text, source));
  headerSafe(email, source);
  return credentialFound({ credential: { kind: "key", email, key }, source, text: `${email}\n${text}` });
}

interface Found extends Omit<FoundCredential, "fingerprint" | "warning"> {
  /** What the fingerprint is of. */
  readonly text: string;
}

function credentialFound({ credential, source, text }: Found): FoundCredential {
  return {
    credential,
    source,
    // Taken when it is asked for: a hook only looks whether there is a credential, and hashing would load BoringSSL.
    get fingerprint() {
      return new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
    },
    warning: null,
  };
}

/** A line break or a letter outside ASCII cannot be sent in a header, and fetch's own message would quote the value. */
function headerSafe(text: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new Failure(
    "config",
    `Cannot use the credential in "${source}": it is empty or holds a space or a control character`,
    {
      hint: "keep the bare token in it, on one line",
    },
  );
}

/** A file that holds a bare secret; throws a config failure that names it when it cannot be read. */
export function readSecretFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new Failure("config", `Cannot read credential "${path}": ${code}`, {
      hint: `ls -l ${path}`,
      cause: error,
    });
  }
}

/** Refuses a file of ours with a secret that others can read. */
export function refuseReadable(path: string): void {
  if (!readableByOthers(path)) return;
  throw new Failure("config", `Cannot use credential "${path}": others can read it`, {
    hint: `chmod 600 ${path}`,
  });
}

function readableByOthers(path: string): boolean {
  const found = statOf(path);
  return found !== null && (found.mode & 0o077) !== 0;
}
