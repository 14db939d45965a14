import type { Answer } from "./answer.ts";
import { refusal } from "./answer.ts";
import { rateLimited } from "./rate-limit.ts";

export type Fault =
  /** Answered without being processed. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body?: unknown;
      readonly code?: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A page for a browser, such as a challenge; not processed. */
  | { readonly kind: "html"; readonly status: number }
  | { readonly kind: "rateLimited"; readonly retryAfterS: number }
  /** Not processed, and not answered until the client goes away. */
  | { readonly kind: "hang" }
  /** The connection is reset, and the request was not processed. */
  | { readonly kind: "reset" }
  /** The request is processed, and the connection is reset in place of an answer. */
  | { readonly kind: "lostAnswer" }
  /** Processed at once, answered late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** Processed; the JSON ends in the middle. */
  | { readonly kind: "truncated" }
  /** Processed; the answer is a success without a result. */
  | { readonly kind: "nullResult" };

export const faultKinds = [
  "status",
  "html",
  "rateLimited",
  "hang",
  "reset",
  "lostAnswer",
  "slow",
  "truncated",
  "nullResult",
] as const satisfies readonly Fault["kind"][];

export interface FaultOptions {
  /** How many requests meet it: 1 unless told; Infinity until healed. */
  readonly times?: number;
  /** Which requests meet it. */
  readonly when?: (request: FaultyRequest) => boolean;
}

export interface FaultyRequest {
  readonly method: string;
  /** Below the API's base. */
  readonly path: string;
  readonly body: string;
}

export interface FaultQueue {
  add(fault: Fault, options?: FaultOptions): void;
  /** The oldest fault that is meant for this request, used up by one. */
  next(request: FaultyRequest): Fault | null;
  clear(): void;
}

export function faultQueue(): FaultQueue {
  let queue: { fault: Fault; left: number; when: NonNullable<FaultOptions["when"]> }[] = [];
  return {
    add(fault, { times = 1, when = () => true } = {}) {
      queue.push({ fault, left: times, when });
    },
    next(request) {
      const entry = queue.find(({ left, when }) => left > 0 && when(request));
      if (entry === undefined) return null;
      entry.left -= 1;
      queue = queue.filter(({ left }) => left > 0);
      return entry.fault;
    },
    clear() {
      queue = [];
    },
  };
}

/** The answer of a fault that stands in place of processing; null for the others. */
export function answerInstead(fault: Fault): Answer | null {
  if (fault.kind === "rateLimited") return rateLimited(fault.retryAfterS);
  if (fault.kind === "html") {
    return {
      status: fault.status,
      body: challengePage,
      headers: { "Content-Type": "text/html; charset=UTF-8" },
    };
  }
  if (fault.kind !== "status") return null;
  const { status, code = status, message = `Played fault: status ${status}`, headers = {} } = fault;
  return { status, body: "body" in fault ? fault.body : refusal(status, { code, message }).body, headers };
}

/** What a fault makes of the answer to a request that was processed. */
export function spoilt(fault: Fault | null, answer: Answer): Answer {
  if (fault?.kind === "truncated") {
    const text = JSON.stringify(answer.body);
    return { ...answer, body: text.slice(0, Math.floor(text.length / 2)) };
  }
  if (fault?.kind === "nullResult") {
    return { status: 200, body: { success: true, errors: [], messages: [], result: null } };
  }
  return answer;
}

const challengePage = `<!DOCTYPE html>
<html lang="en"><head><title>One moment</title></head>
<body><h1>Checking your browser</h1><p>This page goes on by itself.</p></body></html>
`;
