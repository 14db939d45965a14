import { readFileSync } from "node:fs";
import { mustRun } from "./program.ts";
import { tempRoot } from "./temp-root.ts";

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate of its own for an address, which whoever trusts it takes for a certificate authority too. */
export async function certificateFor(address: string): Promise<Certificate> {
  using root = tempRoot();
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-days", "2", "-subj", "/CN=a fleet's database", "-addext", `subjectAltName=IP:${address}`],
    ...["-keyout", root.at("key"), "-out", root.at("certificate")],
  ]);
  return {
    certificate: readFileSync(root.at("certificate"), "utf8"),
    key: readFileSync(root.at("key"), "utf8"),
  };
}
