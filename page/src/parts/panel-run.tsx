// While it runs: how far, which stage, how long still; and a way to stop it.

import { useEffect, useRef, useState } from "preact/hooks";

import { cancel, job, stageSeen, type Job } from "../state/request";
import { roughly } from "../time";
import { STAGES } from "../words";
import { CheckIcon, WarnIcon } from "./icons";
import { TransferLine } from "./panel-edit";

type Waiting = Extract<Job, { at: "armed" | "sending" | "running" }>;

export function RunPanel() {
  const now = job.value as Waiting;
  const record = now.at === "running" ? now.record : null;
  const percent = record?.progress?.percent ?? null;
  useTitle(percent);
  const focused = useRef<HTMLParagraphElement>(null);
  // The button that was pressed is gone; the keyboard goes on from here.
  useEffect(() => focused.current?.focus({ preventScroll: true }), []);
  return (
    <section class="panel" aria-label="Progress">
      <div class="panel-scroll">
        <div class="big-progress">
          <p class="figure" aria-hidden="true">{percent === null ? "–" : Math.floor(percent)}<small>%</small></p>
          <p class="headline" role="status" tabIndex={-1} ref={focused}>{headline(now)}</p>
          <progress max={100} {...(percent === null ? {} : { value: percent })} aria-label="Done" />
          <p class="hint remaining">{remaining(now)}</p>
        </div>
        {now.at === "running" && now.lost && (
          <p class="banner"><WarnIcon />No connection. The work goes on; this page keeps asking.</p>
        )}
        {now.at === "armed" ? <TransferLine /> : <Stages current={record?.progress?.stage ?? null} done={share(now)} />}
      </div>
      <div class="panel-foot">
        <button
          type="button"
          class="large wide"
          disabled={now.at === "sending" || (now.at === "running" && now.cancelling)}
          onClick={() => void cancel()}
        >
          {now.at === "running" && now.cancelling ? "Stopping…" : "Cancel"}
        </button>
      </div>
    </section>
  );
}

function headline(now: Waiting): string {
  if (now.at === "armed") return "Uploading the clip first";
  if (now.at === "sending") return "Handing over";
  const { status, progress, queue_position } = now.record;
  if (status === "processing" || progress) {
    return STAGES.find(([id]) => id === progress?.stage)?.[1] ?? "Beginning";
  }
  if (queue_position === null || queue_position === undefined) return "Waiting for its turn";
  return queue_position <= 1 ? "Next in line" : `Number ${queue_position} in line`;
}

function remaining(now: Waiting): string {
  if (now.at !== "running") return " ";
  const eta = now.record.eta_seconds;
  if (eta === null || eta === undefined) return " ";
  return eta < 1 ? "Nearly there" : `About ${roughly(eta)} left`;
}

/** How far the present stage is, 0 to 1; null where it does not say. */
function share(now: Waiting): number | null {
  const progress = now.at === "running" ? now.record.progress : null;
  if (!progress || progress.total <= 0) return null;
  return Math.min(1, progress.done / progress.total);
}

function useTitle(percent: number | null): void {
  useEffect(() => {
    document.title = percent === null ? "retake" : `${Math.floor(percent)} % · retake`;
    return () => {
      document.title = "retake";
    };
  }, [percent]);
}

function Stages({ current, done }: { current: string | null; done: number | null }) {
  const at = STAGES.findIndex(([id]) => id === current);
  const now = useClock();
  return (
    <ol class="stages">
      {STAGES.map(([id, words], index) => {
        const state = at < 0 || index > at ? "later" : index < at ? "past" : "present";
        return (
          <li key={id} class={`stage-line stage-${state}`} aria-current={state === "present" ? "step" : undefined}>
            <span class="stage-dot">{state === "past" && <CheckIcon />}</span>
            <span class="stage-words">{words}{state === "past" && <span class="sr-only">, done</span>}</span>
            <span class="stage-time">{lasted(index, state, now, done)}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** A past stage's seconds, the present one's share. */
function lasted(index: number, state: string, now: number, done: number | null): string {
  const seen = stageSeen.value;
  if (state === "present" && done !== null) return `${Math.floor(done * 100)} %`;
  const from = seen.get(STAGES[index]?.[0] ?? "");
  if (from === undefined || state === "later") return "";
  const next = STAGES.slice(index + 1).map(([id]) => seen.get(id)).find((ms) => ms !== undefined);
  return `${(((next ?? now) - from) / 1000).toFixed(1)} s`;
}

function useClock(): number {
  const [now, set] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => set(performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return now;
}
