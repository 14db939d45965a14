/** What went wrong, as far as anybody decides on it: `rejected` is the credential, `refused` one address. */
export type FailureKind = "usage" | "config" | "rejected" | "refused" | "unavailable" | "journal";

/** The exit code of each kind; a bug is 1 and done is 0. Documented in the manual page and docs/operations.md. */
export const exitCodes = {
  usage: 2,
  config: 3,
  rejected: 4,
  refused: 4,
  unavailable: 5,
  journal: 5,
} as const satisfies Record<FailureKind, number>;

export interface FailureOptions {
  /** The next command to type or setting to change. */
  readonly hint?: string;
  /** Milliseconds that Cloudflare asked us to wait. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Something that an operator can mend: shown as one line, never with a stack. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(kind: FailureKind, message: string, { hint, retryAfterMs, cause }: FailureOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Failure";
    this.kind = kind;
    this.hint = hint;
    this.retryAfterMs = retryAfterMs;
  }

  /** Message and hint, as the one line that is shown. */
  get summary(): string {
    return this.hint === undefined ? this.message : `${this.message} (${this.hint})`;
  }
}
