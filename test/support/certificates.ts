import { mustRun } from "./program.ts";
import type { TempRoot } from "./temp-root.ts";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of one's own, in a directory. */
export interface Authority {
  /** Path of its certificate. */
  readonly path: string;
  /** A certificate for a host's name or address. */
  issue(host: string): Promise<Certificate>;
}

export async function authority(root: TempRoot, name: string): Promise<Authority> {
  await openssl(root, ["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`]);
  return {
    path: root.at(`${name}.pem`),
    async issue(host) {
      const file = `${name}-${host.replaceAll(/[^a-z0-9]/g, "-")}`;
      const by = ["-CA", `${name}.pem`, "-CAkey", `${name}.key`];
      const end = [
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        `subjectAltName=${alternative(host)}`,
      ];
      await openssl(root, [
        "-subj",
        `/CN=${host}`,
        ...by,
        ...end,
        "-keyout",
        `${file}.key`,
        "-out",
        `${file}.pem`,
      ]);
      return { cert: root.read(`${file}.pem`), key: root.read(`${file}.key`) };
    },
  };
}

/** A certificate that nobody vouches for. */
export async function selfSigned(root: TempRoot, host: string): Promise<Certificate> {
  const names = ["-addext", `subjectAltName=${alternative(host)}`];
  await openssl(root, ["-subj", `/CN=${host}`, ...names, "-keyout", "self.key", "-out", "self.pem"]);
  return { cert: root.read("self.pem"), key: root.read("self.key") };
}

function alternative(host: string): string {
  return /^[0-9.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
}

async function openssl(root: TempRoot, options: readonly string[]): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await mustRun(["openssl", "req", "-x509", "-days", "2", ...key, ...options], { cwd: root.path });
}
