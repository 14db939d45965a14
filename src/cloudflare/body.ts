/** Far above the longest answer that is asked for: a page of a list's items is some 200 KiB. */
const mostBytes = 8 << 20;

/** An answer's body as text; null for one that is longer than any of Cloudflare's: the rest is never read. */
export async function bodyOf(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
