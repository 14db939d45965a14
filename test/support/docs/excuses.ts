/** Why a documented command is not run by test/e2e/docs.test.ts as it stands. */
export interface Excuse {
  readonly why: string;
  /** The test that does the same another way; null: it takes somebody's own account, machine or minutes. */
  readonly test: string | null;
}

export const excuses: Readonly<Record<string, Excuse>> = {
  "./scripts/demo.sh": { why: "takes minutes, and installs packages on this machine", test: null },
  "./scripts/test.sh": { why: "runs this test", test: null },
  "npm install && npx bun run build": {
    why: "asks npm's registry",
    test: null,
  },
  "scp dist/fail2ban-cloudflare install.sh server:": { why: "needs another machine", test: null },
  "fail2ban-cloudflare login": { why: "asks at a terminal", test: "test/cli/login-terminal.test.ts" },
  "fail2ban-cloudflare login --email you@example.com": {
    why: "asks at a terminal",
    test: "test/cli/login-terminal.test.ts",
  },
  "sha256sum --check --ignore-missing SHA256SUMS": {
    why: "needs a release",
    test: "test/release/archives.test.ts",
  },
  "tar -xzf fail2ban-cloudflare-*-linux-x64.tar.gz": {
    why: "needs a release",
    test: "test/release/air-gap.test.ts",
  },
  "fail2ban-cloudflare-*-linux-x64/install.sh": {
    why: "needs a release",
    test: "test/release/air-gap.test.ts",
  },
  "apt install ./fail2ban-cloudflare_*_amd64.deb": {
    why: "needs a release",
    test: "test/release/packages.test.ts",
  },
  "dnf install ./fail2ban-cloudflare-*.x86_64.rpm": {
    why: "needs a release",
    test: "test/release/packages.test.ts",
  },
};
