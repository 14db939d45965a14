import { defineCommand } from "citty";
import { quoted } from "../core/text.ts";
import { isMode, modes } from "../core/hold.ts";
import type { FoundCredential } from "../credential.ts";
import { Failure } from "../errors.ts";
import { backends, inspect, isBackend, requirements, tokenToCreate } from "../wire/inspect.ts";
import type { Invocation } from "./invocation.ts";
import { terminalAsker } from "./login/asker.ts";
import { credentialGiven, placesGiven } from "./login/given.ts";
import { introduce } from "./introduce.ts";
import type { Introduced } from "./introduce.ts";
import { choosePlaces, groundsOf } from "./login/places.ts";
import { prove } from "./login/prove.ts";
import { targetOf, writeEntry } from "./login/target.ts";

export const login = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "login",
      description: "Check a Cloudflare token, and write it into the configuration",
      group: "setup",
      examples: ["login", "login --token-file /root/token --zones example.com"],
    },
    args: {
      "token-file": { type: "string", description: "Take the API token from a file", valueHint: "FILE" },
      email: { type: "string", description: "Use the Global API Key of this user", valueHint: "ADDRESS" },
      "key-file": { type: "string", description: "Take the Global API Key from a file", valueHint: "FILE" },
      zones: { type: "string", description: "Block in these zones", valueHint: "NAME,NAME" },
      account: { type: "string", description: "Block in this whole account", valueHint: "ID" },
      mode: { type: "string", description: "What visitors get", valueHint: modes.join("|") },
      backend: { type: "string", description: "What blocks", valueHint: backends.join("|") },
      profile: { type: "string", description: "Write it into [profiles.NAME]", valueHint: "NAME" },
    },
    async run({ args }) {
      if (args.mode !== undefined && !isMode(args.mode)) throw isNone("mode", args.mode, modes);
      const { profile = "" } = args;
      if (!/^[A-Za-z0-9_-]*$/.test(profile)) throw isNone("profile", profile, ["letters, digits, - and _"]);
      const target = targetOf(runtime, configPath, profile);
      const backend = args.backend ?? target.backend;
      if (!isBackend(backend)) throw isNone("backend", backend, backends);
      const named = placesGiven(args, backend);

      const asker = terminalAsker(runtime);
      const kind = (named ?? target.places)?.account ? "account" : "zone";
      const { found, asked } = await credentialGiven(args, asker, () => {
        for (const line of tokenToCreate(backend, kind)) runtime.talk(line);
      });
      const inspection = inspect({ runtime, apiBase: target.apiBase, credential: found.credential });
      const seen = await introduce(inspection, found, args.account ?? null);
      runtime.print(`✓ ${whatItIs(found, seen)}`);

      const places = await choosePlaces(seen, {
        named,
        configured: target.places,
        backend,
        asker: asked || target.places === null ? asker : null,
        isKey: found.credential.kind === "key",
      });
      const grounds = await groundsOf(inspection, places, { backend, seen });
      await prove(runtime, inspection, { requirements: requirements(backend, grounds), backend });

      const settings = {
        ...(args.mode === undefined ? {} : { mode: args.mode }),
        ...(args.backend === undefined ? {} : { backend }),
      };
      for (const path of writeEntry(runtime, target, { found, places, settings }))
        runtime.print(`✓ written: ${path}`);
      runtime.talk("logged in; see: fail2ban-cloudflare doctor");
      return 0;
    },
  });

function isNone(option: string, value: string, known: readonly string[]): Failure {
  return new Failure("usage", `Cannot log in with --${option} ${quoted(value)}: there is no such one`, {
    hint: `one of: ${known.join(", ")}`,
  });
}

function whatItIs({ credential }: FoundCredential, { token, zones, accounts }: Introduced): string {
  const sees = `zones seen: ${zones.length}, accounts: ${accounts.length}`;
  if (credential.kind === "key") return `Global API Key: accepted; ${sees}`;
  if (token === null)
    return `API token: accepted, though no account that it sees knows it as its own; ${sees}`;
  const end =
    token.expiresAt === null ? "" : `, until ${new Date(token.expiresAt).toISOString().slice(0, 10)}`;
  return `API token: active${end}, the ${token.owner}'s own; ${sees}`;
}
