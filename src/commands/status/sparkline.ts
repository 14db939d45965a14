const blocks = "▁▂▃▄▅▆▇█";
/** For a terminal or a mail that knows no others. */
const plain = "_.:-=+*#";

/** One character for each number, as high as the number; the lowest is for none at all. */
export function sparkline(values: readonly number[], { utf8 }: { readonly utf8: boolean }): string {
  const ramp = utf8 ? blocks : plain;
  const most = Math.max(1, ...values);
  return values.map((value) => ramp[Math.ceil((value / most) * (ramp.length - 1))] ?? "").join("");
}

/** Whether the environment says that its terminal shows UTF-8; the first that is set decides. */
export function speaksUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find(
    (value) => value !== undefined && value !== "",
  );
  return /utf-?8/i.test(locale ?? "");
}
