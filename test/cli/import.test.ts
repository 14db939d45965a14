import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { loadConfig, profileOfJail } from "../../src/config.ts";
import { readDump } from "../../src/fail2ban/dump.ts";
import { asTokenAction, actionFile } from "../../src/fail2ban/files.ts";
import { stockUses } from "../../src/fail2ban/stock.ts";
import { fakeFail2ban } from "../support/fake-fail2ban.ts";
import type { FakeFail2ban } from "../support/fake-fail2ban.ts";
import { machine } from "../support/machine.ts";
import type { Machine } from "../support/machine.ts";
import { testRuntime } from "../support/runtime.ts";

const config = "etc/fail2ban-cloudflare/config.toml";
const action = "etc/fail2ban/action.d/cloudflare.conf";
const token = "etc/fail2ban/action.d/cloudflare-token.conf";
const jails = "etc/fail2ban/jail.local";
const zone = "0123456789abcdef0123456789abcdef";
const otherZone = "fedcba9876543210fedcba9876543210";

/** Lines of `fail2ban-client -d` for a jail with a stock action, as Python writes them. */
function stock(jail: string, name: string, options: Readonly<Record<string, string>>): string[] {
  const [place, header] =
    options["cfzone"] === undefined
      ? ["user", "X-Auth-Key"]
      : [`zones/${options["cfzone"]}`, "Authorization: Bearer"];
  const command = `curl -s -X POST -H '${header}: <x>' \\\n https://api.cloudflare.com/client/v4/${place}/firewall/access_rules/rules`;
  const pairs = Object.entries({ actionban: command, name: jail, ...options });
  return [
    `['add', '${jail}', 'auto']`,
    `['set', '${jail}', 'addaction', '${name}']`,
    `['multi-set', '${jail}', 'action', '${name}', [${pairs.map((pair) => `[${pair.map(literal).join(", ")}]`).join(", ")}]]`,
  ];
}

function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
}

interface Server extends Disposable {
  readonly web: Machine;
  readonly fail2ban: FakeFail2ban;
  readonly asked: (readonly string[])[];
}

function server(dumped: readonly string[], answer: boolean | null = null): Server {
  const fail2ban = fakeFail2ban(() => web);
  fail2ban.dumped = dumped;
  const asked: (readonly string[])[] = [];
  const web = machine({
    run: fail2ban.run,
    async ask(_, findings) {
      asked.push(findings);
      return answer;
    },
  });
  web.write(token, "# the package's other one\n");
  return { web, fail2ban, asked, [Symbol.dispose]: () => web[Symbol.dispose]() };
}

const modeOf = (web: Machine, path: string): string => (statSync(web.at(path)).mode & 0o777).toString(8);
const configOf = (web: Machine) => loadConfig(testRuntime({ root: web.path }), web.at(config));

test("a key in a jail's line is in the configuration then, and its file is root's alone", async () => {
  const key = 'marker"$&%x';
  using own = server(stock("web", "cloudflare", { cfuser: "me@example.com", cftoken: key }));
  const { web, asked } = own;
  web.write(
    jails,
    `[web]\naction = cloudflare[cfuser="me@example.com", cftoken='${key.replace("%", "%%")}']\n`,
  );
  const before = web.read(jails);
  const { code, stdout, stderr } = await web.install();
  expect(code).toBe(0);
  const description = "jail web: the API key of me@example.com for the user's own rules";
  expect(asked).toEqual([[description, `others can read "${web.at(jails)}"`]]);
  expect(`${stdout}${stderr}`).not.toContain("marker");
  expect(stderr).toContain(`"/${config}" has what fail2ban's configuration had: ${description}`);
  expect(stderr).toContain("next: fail2ban-cloudflare sync --adopt --dry-run");
  expect(configOf(web).profiles.get("")).toMatchObject({
    credential: { email: "me@example.com", apiKey: key },
    zones: [],
  });
  expect([modeOf(web, config), modeOf(web, jails)]).toEqual(["600", "600"]);
  expect(web.read(jails)).toBe(before);
  expect(web.read(token)).toBe("# the package's other one\n");
});

test("a token of a zone is taken over, and its action is ours until an uninstallation", async () => {
  const options = { cfzone: zone, cftoken: "marker-token", cfmode: "challenge" };
  using own = server(stock("web", "cloudflare-token", options));
  const { web } = own;
  web.write(token, "# the package's own\n[Init]\ncftoken = marker-token\n");
  const before = web.tree("etc/fail2ban");
  await web.install();
  expect(configOf(web).profiles.get("")).toMatchObject({
    credential: { apiToken: "marker-token" },
    zones: [zone],
    mode: "challenge",
  });
  expect(web.read(token)).toContain("fail2ban-cloudflare");
  expect(modeOf(web, `${token}.bak`)).toBe("600");
  await web.uninstall();
  expect(web.tree("etc/fail2ban")).toEqual({
    ...before,
    // A credential that others could read is not given back to them.
    "action.d/cloudflare-token.conf": String(before["action.d/cloudflare-token.conf"]).replace("644", "600"),
  });
});

test("several credentials are profiles, and every jail finds its own", async () => {
  using own = server([
    ...stock("a", "cloudflare-token", { cfzone: zone, cftoken: "marker-one" }),
    ...stock("b shop", "cloudflare-token", { cfzone: otherZone, cftoken: "marker-one" }),
    ...stock("c", "cloudflare", { cfuser: "me@example.com", cftoken: "marker-two" }),
    ...stock("d", "cloudflare", { cfuser: "me@example.com", cftoken: "marker-two" }),
    ...stock("b-shop", "cloudflare-token", { cfzone: otherZone, cftoken: "marker-three" }),
    ...stock("e", "cf-one", { cfzone: zone, cftoken: "marker-four" }),
    ...stock("e", "cf-two", { cfzone: otherZone, cftoken: "marker-four" }).slice(1),
    ...stock("e", "cf-three", { cfzone: otherZone, cftoken: "marker-five" }).slice(1),
  ]);
  const { web } = own;
  await web.install();
  const read = configOf(web);
  const found = ["a", "b shop", "b-shop", "c", "d", "e", "new"].map((jail) => {
    const { name, credential, zones } = profileOfJail(read, jail, "");
    return [jail, name, credential.apiToken ?? credential.apiKey, zones];
  });
  expect(found).toEqual([
    ["a", "a", "marker-one", [zone]],
    ["b shop", "b-shop", "marker-one", [otherZone]],
    ["b-shop", "b-shop-2", "marker-three", [otherZone]],
    ["c", "", "marker-two", []],
    ["d", "", "marker-two", []],
    ["e", "e", "marker-four", [zone, otherZone]],
    ["new", "", "marker-two", []],
  ]);
});

test.each([
  ["a no at the terminal", false, []],
  ["--no-import", null, ["--no-import"]],
])("%s leaves credentials and their files as they are", async (_, answer, args) => {
  using own = server(stock("web", "cloudflare-token", { cfzone: zone, cftoken: "marker-token" }), answer);
  const { web } = own;
  web.write(jails, "[web]\naction = cloudflare-token[cftoken=marker-token]\n");
  await web.install(...args);
  expect(web.read(config)).not.toContain("marker");
  expect(modeOf(web, jails)).toBe("644");
  expect(web.read(token)).toBe("# the package's other one\n");
});

test("--import and --dry-run ask nobody, and a dry run changes nothing", async () => {
  using own = server(stock("web", "cloudflare", { cfuser: "me@example.com", cftoken: "marker-key" }), false);
  const { web, asked } = own;
  web.write(jails, "[web]\naction = cloudflare[cftoken=marker-key]\n");
  const before = web.tree();
  const shown = await web.install("--dry-run");
  expect(shown.stdout).toContain(`~ /${jails}`);
  expect(web.tree()).toEqual(before);
  expect((await web.install("--import")).stdout).toBe(shown.stdout);
  expect(asked).toEqual([]);
  expect(web.read(config)).toContain("marker-key");
});

test("a configuration that is there stays, and is told what it lacks", async () => {
  using own = server([
    ...stock("web", "cloudflare-token", { cfzone: zone, cftoken: "marker-new" }),
    ...stock("old", "cloudflare", { cfuser: "me@example.com", cftoken: "marker-old" }),
  ]);
  const { web } = own;
  web.write(config, 'email = "me@example.com"\napi_key = "marker-old"\n', 0o600);
  web.write(jails, "[web]\naction = cloudflare-token[cftoken=marker-new]\n");
  const { stderr } = await web.install();
  expect(stderr).toContain(
    `"/${config}" lacks what fail2ban's configuration has: jail web: an API token for zone ${zone}`,
  );
  expect(stderr).not.toContain("marker");
  expect(stderr).not.toContain("jail old");
  expect(web.read(config)).not.toContain("marker-new");
  // Its bans could not go on with ours.
  expect(web.read(token)).toBe("# the package's other one\n");
  expect(modeOf(web, jails)).toBe("600");
});

test("a second installation has nothing left to do, though the jail's line is as it was", async () => {
  using own = server(stock("web", "cloudflare-token", { cfzone: zone, cftoken: "marker-token" }));
  const { web, fail2ban } = own;
  web.write(jails, "[web]\naction = cloudflare-token[cftoken=marker-token]\n");
  await web.install();
  fail2ban.dumped = stock("web", "cloudflare-token", { cfzone: zone, cftoken: "marker-token" }).map((line) =>
    line.replace("curl", "fail2ban-cloudflare"),
  );
  const before = web.tree();
  expect((await web.install()).stderr).toBe("everything is in place");
  expect(web.tree()).toEqual(before);
});

test("when the installation fails, files are as readable as they were", async () => {
  using own = server(stock("web", "cloudflare", { cfuser: "me@example.com", cftoken: "marker-key" }));
  const { web, fail2ban } = own;
  web.write(jails, "[web]\naction = cloudflare[cftoken=marker-key]\n");
  web.write(action, "[Definition]\nactionban = curl\n[Init]\ncftoken = marker-key\n");
  const before = web.tree();
  fail2ban.failing = "reload";
  expect((await web.install()).code).toBe(5);
  expect(web.tree()).toEqual(before);
});

test("a credential in cloudflare.local stays the main one, and its file is root's alone", async () => {
  using own = server([
    ...stock("web", "cloudflare", { cfuser: "me@example.com", cftoken: "marker-main" }),
    ...stock("shop", "cloudflare", { cfuser: "shop@example.com", cftoken: "marker-shop" }),
  ]);
  const { web } = own;
  const local = "etc/fail2ban/action.d/cloudflare.local";
  web.write(local, "[Init]\ncfuser = me@example.com\ncftoken = marker-main\n");
  await web.install();
  const read = configOf(web);
  expect(profileOfJail(read, "web", "").credential).toEqual({});
  expect(profileOfJail(read, "shop", "").credential).toEqual({
    email: "shop@example.com",
    apiKey: "marker-shop",
  });
  expect(modeOf(web, local)).toBe("600");
});

test("credentials are found in the dump of real configurations", () => {
  const uses = stockUses(
    readDump(
      [
        ...stock("web", "cloudflare", { cfuser: "me@example.com", cftoken: "it's" }),
        ...stock("api", "cloudflare-token", { cfzone: zone, cftoken: "tok,[en]", cfmode: "challenge" }),
        ...stock("mail", "sendmail", { actionban: "mail", cftoken: "no-cloudflare" }),
        ...stock("empty", "cloudflare", { cfuser: "", cftoken: "" }),
        ...stock("ours", "cloudflare", {
          actionban: "'/x/fail2ban-cloudflare' ban",
          cftoken: "left",
          cfzone: zone,
        }),
      ].join("\n"),
    ),
  );
  expect(uses.map(({ secret, ...use }) => ({ ...use, secret: secret.reveal() }))).toEqual([
    {
      jail: "web",
      action: "cloudflare",
      by: "stock",
      email: "me@example.com",
      secret: "it's",
      scope: { kind: "user" },
      mode: "",
    },
    {
      jail: "api",
      action: "cloudflare-token",
      by: "stock",
      email: null,
      secret: "tok,[en]",
      scope: { kind: "zone", id: zone },
      mode: "challenge",
    },
    {
      jail: "ours",
      action: "cloudflare",
      by: "ours",
      email: null,
      secret: "left",
      scope: { kind: "zone", id: zone },
      mode: "",
    },
  ]);
});

test("the action in place of cloudflare-token says nothing of a credential that is read from it", () => {
  const text = asTokenAction(actionFile([1, 1]));
  expect(text).not.toMatch(/cftoken|cfuser/);
  expect(text.match(/^action\w+ = .*$/gm)).toEqual(actionFile([1, 1]).match(/^action\w+ = .*$/gm));
});
