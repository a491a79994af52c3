// Start, end and length as times; each keeps the others in step.

import { useId, useState } from "preact/hooks";

import * as deck from "../media/deck";
import { moveEnd, slide, stretch } from "../section";
import { bounds, section } from "../state/form";
import { clock, parseClock } from "../time";
import { wrong } from "./panel-edit";

export function SectionFields() {
  const { start, end } = section.value;
  const limits = bounds.value;
  return (
    <fieldset class="field times">
      <legend>Section</legend>
      <TimeField label="Start" value={start} invalid={wrong("start_time")} set={(to) => {
        section.value = slide(section.value, to, limits);
        deck.seek(section.value.start);
      }} />
      <TimeField label="End" value={end} invalid={false} set={(to) => {
        section.value = moveEnd(section.value, to, limits);
        deck.seek(section.value.end);
      }} />
      <TimeField label="Length" value={end - start} invalid={wrong("duration")} set={(to) => {
        section.value = stretch(section.value, to, limits);
        deck.seek(section.value.start);
      }} />
      <p class="hint keys wide-only"><kbd>Space</kbd> plays · <kbd>I</kbd> and <kbd>O</kbd> set start and end where the playhead is</p>
    </fieldset>
  );
}

interface Props {
  readonly label: string;
  readonly value: number;
  readonly invalid: boolean;
  readonly set: (to: number) => void;
}

function TimeField({ label, value, invalid, set }: Props) {
  const id = useId();
  /** What is being typed; null while the field shows the section's own value. */
  const [typed, type] = useState<string | null>(null);
  const odd = typed !== null && parseClock(typed) === null;
  const accept = () => {
    const to = typed === null ? null : parseClock(typed);
    type(null);
    if (to !== null) set(to);
  };
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      type(null);
      set(value + by * (event.ctrlKey ? 0.01 : event.shiftKey ? 1 : 0.1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      accept();
    } else if (event.key === "Escape") type(null);
  };
  return (
    <div class="time-field">
      <label for={id}>{label}</label>
      <input
        id={id}
        inputMode="decimal"
        autocomplete="off"
        spellcheck={false}
        value={typed ?? clock(value)}
        aria-invalid={odd || invalid}
        onFocus={(event) => event.currentTarget.select()}
        onInput={(event) => type(event.currentTarget.value)}
        onBlur={accept}
        onKeyDown={keys}
      />
    </div>
  );
}
