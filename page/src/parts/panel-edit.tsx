// What to do with the section: times, prompt, mode, seed, run.

import { useId } from "preact/hooks";

import { clip, facts, startTransfer, transfer } from "../state/clip";
import { bounds, mode, prompt, seed, seedComplaint, takes } from "../state/form";
import { keyState } from "../state/key";
import { longest } from "../state/limits";
import { job, run } from "../state/request";
import { bytes } from "../time";
import { EXAMPLES, MODES } from "../words";
import { Choice } from "./choice";
import { WarnIcon } from "./icons";
import { KeyForm } from "./key-form";
import { SectionFields } from "./section-fields";

const MAX_PROMPT = 5000;

export function EditPanel() {
  const { length, shortest } = bounds.value;
  const tooShort = facts.value !== null && length < shortest;
  const submit = (event: Event) => {
    event.preventDefault();
    if (!tooShort && keyState.value === "good" && seedComplaint.value === null) run();
  };
  return (
    <form class="panel" onSubmit={submit} aria-label="The retake">
      <div class="panel-scroll">
        <Outcome />
        {tooShort && (
          <p class="banner"><WarnIcon />This clip lasts {length.toFixed(3)} s; a section needs at least {shortest} s.</p>
        )}
        {facts.value && length > longest.value && (
          <p class="banner"><WarnIcon />This clip lasts {length.toFixed(3)} s; at most {longest.value} s is accepted.</p>
        )}
        <SectionFields />
        <PromptField />
        <ModeField />
        <SeedField />
        <TakesField />
      </div>
      <div class="panel-foot">
        {keyState.value !== "good" && keyState.value !== "checking" && <KeyForm />}
        <TransferLine />
        <button type="submit" class="primary large wide" disabled={tooShort || keyState.value !== "good" || seedComplaint.value !== null}>
          Retake the section
        </button>
      </div>
    </form>
  );
}

/** How the last run ended, where it did not end well. */
function Outcome() {
  const last = job.value;
  if (last.at === "cancelled") return <p class="banner calm" role="status">Cancelled. Nothing was changed.</p>;
  if (last.at !== "failed") return null;
  return <p class="banner" role="alert"><WarnIcon />{last.message}</p>;
}

export function wrong(param: string): boolean {
  return job.value.at === "failed" && job.value.param === param;
}

function PromptField() {
  const id = useId();
  const left = MAX_PROMPT - prompt.value.length;
  const choose = (text: string) => {
    prompt.value = text;
    document.getElementById(id)?.focus();
  };
  return (
    <div class="field">
      <label for={id}>What should happen in it</label>
      <textarea
        id={id}
        rows={3}
        maxLength={MAX_PROMPT}
        placeholder="A dramatic explosion with bright orange flames"
        value={prompt.value}
        aria-invalid={wrong("prompt")}
        onInput={(event) => (prompt.value = event.currentTarget.value)}
      />
      {left < 500 && <p class="hint">{left} characters left</p>}
      <div class="chips" role="group" aria-label="Prompts to begin from">
        {EXAMPLES.map(([chip, text]) => (
          <button type="button" class="chip" key={chip} title={text} aria-pressed={prompt.value === text} onClick={() => choose(text)}>
            {chip}
          </button>
        ))}
      </div>
    </div>
  );
}

function ModeField() {
  return (
    <fieldset class="field modes" aria-invalid={wrong("mode")}>
      <legend>What is made anew</legend>
      {MODES.map(([value, words, means]) => (
        <label class="mode" key={value}>
          <input type="radio" name="mode" checked={mode.value === value} onChange={() => (mode.value = value)} />
          <span class="mode-words">
            <b>{words}</b>
            <small>{means}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function SeedField() {
  const id = useId();
  const complaint = seedComplaint.value;
  return (
    <div class="field inline">
      <label for={id}>Seed</label>
      <div>
        <input
          id={id}
          inputMode="numeric"
          autocomplete="off"
          placeholder="drawn for each run"
          value={seed.value}
          aria-invalid={complaint !== null || wrong("seed")}
          aria-describedby={`${id}-help`}
          onInput={(event) => (seed.value = event.currentTarget.value)}
        />
        <p id={`${id}-help`} class={complaint ? "complaint" : "sr-only"}>
          {complaint ?? "Optional. The same seed gives the same picture again."}
        </p>
      </div>
    </div>
  );
}

function TakesField() {
  const several = Number(takes.value);
  return (
    <div class="field inline">
      <label>Takes</label>
      <div>
        <Choice
          label="How many takes are made"
          name="takes"
          value={takes.value}
          options={[["1", "1"], ["2", "2"], ["3", "3"], ["4", "4"]]}
          pick={(value) => (takes.value = value)}
        />
        {several > 1 && <p class="hint">Makes {several} results to choose from, in about {several} times the time.</p>}
      </div>
    </div>
  );
}

export function TransferLine() {
  const state = transfer.value;
  const size = clip.value?.file?.size ?? 0;
  if (state.at === "sending") {
    const share = Math.min(1, state.share);
    return (
      <div class="transfer">
        <progress max={1} value={share} aria-label="Upload" />
        <span>Uploading · {bytes(size * share)} of {bytes(size)}</span>
      </div>
    );
  }
  if (state.at === "failed" && job.value.at !== "failed") {
    return (
      <p class="banner" role="alert">
        <WarnIcon />{state.message}
        <button type="button" class="link" onClick={() => void startTransfer()}>Try again</button>
      </p>
    );
  }
  return null;
}
