// Icons drawn for this page, on a 20 × 20 grid. They are decoration: the button says what it does.

import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const line = {
  fill: "none",
  stroke: "currentColor",
  "stroke-width": 1.6,
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
} as const;

export const PlayIcon = () => (
  <Icon>
    <path d="M6 3.8v12.4c0 .6.7 1 1.2.7l9.6-6.2c.5-.3.5-1 0-1.4L7.2 3.1C6.7 2.8 6 3.2 6 3.8z" fill="currentColor" />
  </Icon>
);

export const PauseIcon = () => (
  <Icon>
    <rect x="4.5" y="3.5" width="4" height="13" rx="1" fill="currentColor" />
    <rect x="11.5" y="3.5" width="4" height="13" rx="1" fill="currentColor" />
  </Icon>
);

export const LoopIcon = () => (
  <Icon>
    <path d="M4 9V8a3 3 0 0 1 3-3h8m-2.5-2.5L15 5l-2.5 2.5M16 11v1a3 3 0 0 1-3 3H5m2.5 2.5L5 15l2.5-2.5" {...line} />
  </Icon>
);

export const ToStartIcon = () => (
  <Icon>
    <path d="M5 4v12M15.5 4.5 8.5 10l7 5.5z" {...line} />
  </Icon>
);

export const SoundIcon = ({ off }: { off: boolean }) => (
  <Icon>
    <path d="M3.5 7.8v4.4h2.7L10 15.7V4.3L6.2 7.8z" fill="currentColor" />
    {off ? <path d="m13 8 4 4m0-4-4 4" {...line} /> : <path d="M12.8 7.2a4 4 0 0 1 0 5.6M15 5a7 7 0 0 1 0 10" {...line} />}
  </Icon>
);

export const FullIcon = () => (
  <Icon>
    <path d="M3.5 7.5v-4h4m5 0h4v4m0 5v4h-4m-5 0h-4v-4" {...line} />
  </Icon>
);

export const DownloadIcon = () => (
  <Icon>
    <path d="M10 3v9m-3.5-3.2L10 12.3l3.5-3.5M4 16.5h12" {...line} />
  </Icon>
);

export const KeyIcon = () => (
  <Icon>
    <circle cx="6.5" cy="13.5" r="3" {...line} />
    <path d="m8.8 11.2 7.2-7.2m-2.7 2.7 2 2" {...line} />
  </Icon>
);

export const CheckIcon = () => (
  <Icon>
    <path d="m4.5 10.5 3.7 3.7 7.3-8.2" {...line} />
  </Icon>
);

export const CrossIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" {...line} />
  </Icon>
);

export const WarnIcon = () => (
  <Icon>
    <path d="M10 3.2 2.8 16.2h14.4zM10 8v4m0 1.9v.1" {...line} />
  </Icon>
);

export const FilmIcon = () => (
  <Icon>
    <rect x="2.5" y="4.5" width="15" height="11" rx="1.8" {...line} />
    <path d="M8.5 7.8v4.4l3.7-2.2z" fill="currentColor" />
  </Icon>
);

export const BackIcon = () => (
  <Icon>
    <path d="M8.5 4.5 3.5 10l5 5.5M4 10h12.5" {...line} />
  </Icon>
);

export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 22" aria-hidden="true" focusable="false">
    <rect x="1" y="6" width="7" height="10" rx="2" class="mark-film" />
    <rect x="10" y="2" width="12" height="18" rx="3" class="mark-section" />
    <rect x="24" y="6" width="7" height="10" rx="2" class="mark-film" />
  </svg>
);
