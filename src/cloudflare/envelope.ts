import type { APIResponseBody } from "@cloudflare/types";

/** What stands around every answer of Cloudflare, and of whoever answers in its place. */
export interface Envelope {
  readonly success: boolean;
  /** Of any shape: whoever asked reads it. */
  readonly result: unknown;
  /** Codes of the errors and of those behind them; 0 for an error without one. */
  readonly codes: readonly number[];
  /** What the errors say, on one line of bounded length; empty when they say nothing. */
  readonly message: string;
  readonly totalPages: number;
  /** Where the next page begins; null: there is none. */
  readonly cursor: string | null;
}

type Shape = { readonly [K in keyof APIResponseBody<unknown>]?: unknown } & {
  readonly result_info?: unknown;
};

/** Reads an answer's text, believing no part of it to have the right type; null when it is no envelope. */
export function readEnvelope(text: string): Envelope | null {
  const body = fieldsOf<keyof Shape>(parsed(text));
  if (typeof body.success !== "boolean") return null;
  const errors = listOf(body.errors).map(fieldsOf<"code" | "message" | "error_chain">);
  const causes = errors.flatMap(({ error_chain }) => listOf(error_chain).map(fieldsOf<"code">));
  return {
    success: body.success,
    result: body.result ?? null,
    codes: [...errors, ...causes].map(({ code }) => numberOf(code) ?? 0),
    message: oneLine(
      errors
        .map(({ message, code }) => [typeof message === "string" ? message : "no message", numberOf(code)])
        .map(([message, code]) => `${message} (${code ?? "no code"})`)
        .join("; "),
    ),
    totalPages: totalPages(body.result_info),
    cursor: nextCursor(body.result_info),
  };
}

function totalPages(info: unknown): number {
  const fields = fieldsOf<"total_pages" | "total_count" | "per_page">(info);
  const pages = numberOf(fields.total_pages);
  if (pages !== null) return pages;
  return Math.ceil((numberOf(fields.total_count) ?? 0) / Math.max(1, numberOf(fields.per_page) ?? 20));
}

function nextCursor(info: unknown): string | null {
  const { after } = fieldsOf<"after">(fieldsOf<"cursors">(info).cursors);
  return typeof after === "string" && after !== "" ? after : null;
}

/** An object's fields, none of them of a known type; no fields at all for anything else. */
export function fieldsOf<K extends string>(value: unknown): { readonly [P in K]?: unknown } {
  return typeof value === "object" && value !== null ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").slice(0, 300);
}
