// Asks for the API key and says why.

import { useId, useState } from "preact/hooks";

import { keyComplaint, keyState, useKey } from "../state/key";

export function KeyForm({ done }: { done?: () => void }) {
  const id = useId();
  const [typed, type] = useState("");
  const state = keyState.value;
  const save = async (event: Event) => {
    event.preventDefault();
    await useKey(typed);
    if (keyState.value === "good") done?.();
  };
  return (
    <form class="key-form" onSubmit={save}>
      <label for={id}>API key</label>
      <div class="row">
        <input
          id={id}
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="rt_…"
          value={typed}
          aria-invalid={state === "rejected"}
          aria-describedby={`${id}-help`}
          onInput={(event) => type(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={!typed.trim() || state === "checking"}>
          {state === "checking" ? "Checking…" : "Use"}
        </button>
      </div>
      <p id={`${id}-help`} class={state === "rejected" ? "complaint" : "hint"} role="status">
        {state === "rejected" && (keyComplaint.value || "This key is not accepted.")}
        {state === "unreachable" && "The server does not answer. Is it running?"}
        {state !== "rejected" && state !== "unreachable" && (
          <>The server printed one at its first start; <code>retake keys create</code> makes another. It stays in this browser.</>
        )}
      </p>
    </form>
  );
}
