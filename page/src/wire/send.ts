// Sends a file with progress. XMLHttpRequest, because fetch does not tell how much has left.

import { ApiError, local } from "./client";

/** PUTs `file` to `url`; `sent` hears the share sent, 0 to 1. */
export function send(
  url: string,
  file: File,
  sent: (share: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("PUT", local(url));
    request.setRequestHeader("Content-Type", file.type.startsWith("video/") ? file.type : "video/mp4");
    request.upload.onprogress = (event) => sent(event.loaded / Math.max(1, file.size));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) done();
      else fail(refusal(request));
    };
    request.onerror = () => fail(new ApiError("The upload was interrupted.", 0, null, true));
    request.onabort = () => fail(new DOMException("The upload was stopped.", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function refusal(request: XMLHttpRequest): ApiError {
  let message = `The server refused the upload (${request.status}).`;
  try {
    const said: unknown = JSON.parse(request.responseText).error;
    if (typeof said === "string") message = said;
  } catch {
    // Not ours to read: the plain sentence stands.
  }
  return new ApiError(message, request.status);
}
