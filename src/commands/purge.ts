import { Failure } from "../errors.ts";
import type { Invocation } from "./invocation.ts";

/** Takes away our rules at Cloudflare. */
export async function purgeEdge(_invocation: Invocation): Promise<void> {
  throw new Failure("config", "Cannot remove our rules at Cloudflare: this is not built yet");
}
