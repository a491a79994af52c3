// The bar on top: who we are, which clip is open, how the key stands.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { clip, facts } from "../state/clip";
import { forgetKey, key, keyState } from "../state/key";
import { startOver } from "../state/request";
import { bytes, clock } from "../time";
import { BackIcon, KeyIcon, Mark } from "./icons";
import { KeyForm } from "./key-form";

const open = signal(false);

export function Header() {
  return (
    <header class="header">
      <a class="brand" href="./" onClick={home} aria-label="retake, start page">
        <Mark />
        <span>retake</span>
      </a>
      {clip.value && <OpenClip />}
      {/* A tab of its own: leaving this one would lose the open clip. */}
      <a class="docs-link" href="./docs" target="_blank" rel="noopener">Docs</a>
      <KeyMenu />
    </header>
  );
}

function home(event: Event): void {
  event.preventDefault();
  startOver();
}

function OpenClip() {
  const { name, file } = clip.value!;
  const known = facts.value;
  return (
    <div class="open-clip">
      <button type="button" class="quiet" onClick={startOver}>
        <BackIcon />
        <span class="wide-only">Other clip</span>
        <span class="narrow-only sr-only">Other clip</span>
      </button>
      <span class="clip-name" title={name}>{name}</span>
      <span class="clip-facts wide-only">
        {known && known.width > 0 && <span>{known.width} × {known.height}</span>}
        {known && <span>{clock(known.length)}</span>}
        {file && <span>{bytes(file.size)}</span>}
      </span>
    </div>
  );
}

const SAYS = {
  missing: "No key",
  checking: "Checking key",
  good: "Key",
  rejected: "Key rejected",
  unreachable: "No connection",
} as const;

function KeyMenu() {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape") open.value = false;
    };
    addEventListener("pointerdown", outside);
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("keydown", escape);
    };
  }, []);
  const state = keyState.value;
  return (
    <div class="key-menu" ref={box}>
      <button
        type="button"
        class="quiet"
        aria-expanded={open.value}
        onClick={() => (open.value = !open.value)}
      >
        <span class={`dot dot-${state}`} />
        <KeyIcon />
        <span class="sr-only">API key: </span>
        <span class={state === "good" ? "wide-only" : ""}>{SAYS[state]}{state === "good" && <span class="key-tail"> …{key.value.slice(-4)}</span>}</span>
      </button>
      {open.value && (
        <div class="popover">
          <KeyForm done={() => (open.value = false)} />
          {key.value && (
            <button type="button" class="link" onClick={forgetKey}>Forget the key in this browser</button>
          )}
        </div>
      )}
    </div>
  );
}
