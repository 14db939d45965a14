import { Failure } from "../../errors.ts";

/** Why Cloudflare could not be reached, in words, and what to look at. Source: the codes of Bun's fetch. */
export function reachFailure(error: unknown, apiBase: string): Failure {
  if (error instanceof Failure && error.cause === undefined) {
    const hint = `see who answers: curl -i ${apiBase}/ips; and www.cloudflarestatus.com`;
    return new Failure(error.kind, error.message, { hint, cause: error });
  }
  const { hostname, port } = new URL(apiBase);
  const code = codeOf(error instanceof Failure ? error.cause : error);
  const failure = (state: string, hint: string): Failure =>
    new Failure("unavailable", `Cannot reach ${hostname}: ${state} (${code})`, { hint, cause: error });
  if (/^(ENOTFOUND|EAI_|DNS)/.test(code)) {
    return failure("its name is not resolved", `getent hosts ${hostname}; see /etc/resolv.conf`);
  }
  if (/CERT|SIGNATURE|TLS|SSL|EPROTO/.test(code)) {
    return failure(
      "its certificate is not trusted",
      "set the clock; for a proxy that opens TLS, name its authority: NODE_EXTRA_CA_CERTS=FILE",
    );
  }
  if (/PROXY/i.test(code)) return failure("the proxy does not pass it on", "see HTTPS_PROXY and NO_PROXY");
  if (code === "UnexpectedRedirect")
    return failure("somebody answers in its place", `curl -i ${apiBase}/ips`);
  return failure(
    "no connection comes about",
    `allow outgoing port ${port === "" ? 443 : port} to ${hostname}`,
  );
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
