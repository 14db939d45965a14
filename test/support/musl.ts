import { existsSync } from "node:fs";
import { mustRun } from "./program.ts";
import type { TempRoot } from "./temp-root.ts";

/** Where Debian has what GCC's C++ library is made of, and how the stand-ins below are written for the CPU. */
const makers = {
  x64: {
    prefix: "",
    gcc: "/usr/lib/gcc/x86_64-linux-gnu/12",
    returnMinusOne: "mov $-1, %eax; ret",
    further: "",
  },
  arm64: {
    prefix: "aarch64-linux-gnu-",
    gcc: "/usr/lib/gcc-cross/aarch64-linux-gnu/12",
    returnMinusOne: "mov w0, #-1; ret",
    further: ".globl __getauxval\n__getauxval: b getauxval\n",
  },
} as const;

export type MuslCpu = keyof typeof makers;

/** Why the library cannot be made here; null where it can. */
export function muslObstacle(cpu: MuslCpu): string | null {
  return existsSync(`${makers[cpu].gcc}/libstdc++_pic.a`) ? null : `needs libstdc++-12-pic for ${cpu}`;
}

/** The symbols of the C++ library, by their names. */
const ofCpp = /^(_ZNK?S|_ZS|_ZTVN10__cxxabiv1|__cxa_|__gxx_|__dynamic_cast|__once_proxy|_Unwind_)/;
const ofLibc = ["__cxa_finalize", "__cxa_thread_atexit_impl"];

/**
 * Makes the libstdc++.so.6 that Alpine has in its package of that name, as far as a binary needs it: from Debian's own
 * objects, with stand-ins for the few functions of glibc in them that musl does not have.
 */
export async function makeMuslLibrary(
  root: TempRoot,
  cpu: MuslCpu,
  binary: string,
  to: string,
): Promise<void> {
  const { prefix, gcc, returnMinusOne, further } = makers[cpu];
  const symbols = (await mustRun(["readelf", "--dyn-syms", "--wide", binary]))
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[7]?.replace(/@.*/, "") ?? "")
    .filter((name) => ofCpp.test(name) && !ofLibc.includes(name));
  root.write(
    "stand-ins.s",
    `.section .note.GNU-stack,"",%progbits
.data
.globl __libc_single_threaded
__libc_single_threaded: .byte 0
.text
.globl _dl_find_object
_dl_find_object:
.globl arc4random
arc4random: ${returnMinusOne}
${further}`,
  );
  await mustRun([`${prefix}as`, root.at("stand-ins.s"), "-o", root.at("stand-ins.o")]);
  await mustRun([
    ...[`${prefix}ld`, "-shared", "-soname", "libstdc++.so.6", "-o", to],
    ...[...new Set(symbols)].flatMap((name) => ["-u", name]),
    ...[`${gcc}/crtbeginS.o`, root.at("stand-ins.o"), `${gcc}/libstdc++_pic.a`],
    ...[`${gcc}/libgcc_eh.a`, `${gcc}/libgcc.a`, `${gcc}/crtendS.o`],
  ]);
}
