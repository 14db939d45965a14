import ipaddr from "ipaddr.js";

/** The 16 bytes of an IPv6 address without a dotted part; null when it is none. */
export function bytesOfIpv6(text: string): number[] | null {
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text).toByteArray() : null;
}

/** An IPv6 address as RFC 5952 writes it. */
export function textOfIpv6(bytes: readonly number[]): string {
  return new ipaddr.IPv6([...bytes]).toRFC5952String();
}
