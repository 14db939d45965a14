/** A machine that the binary is built for; `runtime` is the npm package that holds Bun for it. */
export interface Target {
  readonly name: string;
  readonly bun: string;
  readonly runtime: string;
  /** What packages call its CPU; null where no distribution with .deb or .rpm has its C library. */
  readonly cpu: { readonly deb: string; readonly rpm: string } | null;
}

export const targets = [
  {
    name: "linux-x64",
    bun: "bun-linux-x64",
    runtime: "@oven/bun-linux-x64",
    cpu: { deb: "amd64", rpm: "x86_64" },
  },
  { name: "linux-x64-musl", bun: "bun-linux-x64-musl", runtime: "@oven/bun-linux-x64-musl", cpu: null },
  {
    name: "linux-arm64",
    bun: "bun-linux-arm64",
    runtime: "@oven/bun-linux-aarch64",
    cpu: { deb: "arm64", rpm: "aarch64" },
  },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    runtime: "@oven/bun-linux-aarch64-musl",
    cpu: null,
  },
] as const satisfies readonly Target[];

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly libc: "glibc" | "musl";
}

/** The target of a machine, by Node's words for it. */
export function targetOf({ platform, arch, libc }: Machine): Target {
  return targetNamed(`${platform}-${arch}${libc === "musl" ? "-musl" : ""}`);
}

export function targetNamed(name: string): Target {
  const target = targets.find((one) => one.name === name);
  if (target === undefined)
    throw new Error(`Cannot build for ${name}: one of ${targets.map((one) => one.name).join(", ")}`);
  return target;
}
