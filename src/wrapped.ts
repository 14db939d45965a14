/** A line broken between words where it is too long; what follows the first line is indented. */
export function wrapped(
  line: string,
  { columns, indent }: { readonly columns: number; readonly indent: number },
): readonly string[] {
  if (line.length <= columns) return [line];
  const space = line.lastIndexOf(" ", columns);
  // Past the indent, so that each round makes the rest shorter.
  const end = space > indent ? space : columns;
  const rest = `${" ".repeat(indent)}${line.slice(end).trimStart()}`;
  return [line.slice(0, end), ...wrapped(rest, { columns: Math.max(columns, indent + 1), indent })];
}
