// The four calls, the upload's address and cancel. Every failure is an ApiError whose message is a
// sentence for the user.

import type { ModelDetail, Payload, RequestRecord, Upload } from "./types";

export const MODEL = "ltx-2-pro-retake";
export const ROOT = "api/v1/ie/requestqueue/apikey";

export class ApiError extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 where no answer came. */
    readonly status: number,
    readonly param: string | null = null,
    readonly retryable = false,
  ) {
    super(message);
  }
}

/** Files of our own server under our own origin, whatever host name the server knows itself by. */
export function local(url: string): string {
  const parsed = new URL(url, document.baseURI);
  const at = parsed.pathname.indexOf("/files/");
  if (at < 0) return parsed.href;
  return new URL(parsed.pathname.slice(at + 1) + parsed.search, document.baseURI).href;
}

/** The same file, to be saved rather than shown. An address of somebody else's is left as it is. */
export function attachment(url: string): string {
  const own = new URL(local(url));
  if (own.origin === location.origin) own.searchParams.set("download", "1");
  return own.href;
}

async function call<T>(key: string, method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // The page watches by itself; a held answer would only hide the first stages.
  if (method === "POST") headers["Prefer"] = "respond-async";
  let answer: Response;
  try {
    answer = await fetch(`${ROOT}${path}`, {
      method,
      headers,
      cache: "no-store",
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch {
    throw new ApiError("The server does not answer.", 0, null, true);
  }
  const value: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw refusal(answer.status, value);
  if (value === null || typeof value !== "object") {
    throw new ApiError("The server's answer cannot be read.", answer.status, null, true);
  }
  return value as T;
}

function refusal(status: number, value: unknown): ApiError {
  const said = (value ?? {}) as { error?: unknown; param?: unknown; retryable?: unknown };
  const message = typeof said.error === "string" ? said.error : `The server answered ${status}.`;
  const param = typeof said.param === "string" ? said.param : null;
  return new ApiError(message, status, param, said.retryable === true || status >= 500);
}

export function submit(key: string, payload: Payload): Promise<RequestRecord> {
  return call(key, "POST", "/requests", { model: MODEL, payload });
}

export function status(key: string, id: string): Promise<RequestRecord> {
  return call(key, "GET", `/requests/${encodeURIComponent(id)}`);
}

export function cancel(key: string, id: string): Promise<RequestRecord> {
  return call(key, "POST", `/requests/${encodeURIComponent(id)}/cancel`);
}

export async function list(key: string, limit: number): Promise<RequestRecord[]> {
  const query = `?model_id=${MODEL}&limit=${limit}`;
  const page = await call<{ requests: RequestRecord[] }>(key, "GET", `/requests${query}`);
  return page.requests.slice(0, limit);
}

export function model(key: string): Promise<ModelDetail> {
  return call(key, "GET", `/models/${MODEL}`);
}

export function uploadUrl(key: string, fileType: string): Promise<Upload> {
  return call(key, "POST", "/upload-url", { file_type: fileType });
}
