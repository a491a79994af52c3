// Which of a request's takes is looked at, and what there is of it.

import { computed, effect, signal } from "@preact/signals";

import { local } from "../wire/client";
import type { Report, TakeRecord } from "../wire/types";
import { job } from "./request";

/** The number of the take that was chosen; null is the one that the server gives out first. */
export const chosen = signal<number | null>(null);

/** Reports of takes that had to be fetched, by their address. */
const fetched = signal<ReadonlyMap<string, Report>>(new Map());

export interface Shown {
  video?: string | undefined;
  sheet?: string | null | undefined;
  section?: string | null | undefined;
  audio?: string | null | undefined;
  report_url?: string | null | undefined;
  report: Report | null;
  notes: string[];
}

const record = computed(() => (job.value.at === "done" ? job.value.record : null));

/** Every take that was asked for, where there were several. */
export const takes = computed<TakeRecord[]>(() => record.value?.outcome?.takes ?? []);

const take = computed<TakeRecord | null>(() => {
  const made = takes.value.filter((each) => each.url);
  const first = record.value?.outcome?.media_urls?.[0]?.take;
  const wanted = chosen.value ?? first;
  return made.find((each) => each.take === wanted) ?? made[0] ?? null;
});

export const shownTake = computed(() => take.value?.take ?? null);

/** What is seen, heard and downloaded; null while nothing is done. */
export const shown = computed<Shown | null>(() => {
  if (record.value === null) return null;
  const { outcome, report, notes } = record.value;
  if (take.value === null) {
    return {
      video: outcome?.media_urls?.[0]?.url,
      sheet: outcome?.sheet_url,
      section: outcome?.section_url,
      audio: outcome?.audio_url,
      report_url: outcome?.report_url,
      report: report ?? null,
      notes: report?.notes ?? notes ?? [],
    };
  }
  const of = take.value;
  const own = of.url === outcome?.media_urls?.[0]?.url ? report : fetched.value.get(of.report_url ?? "");
  return {
    video: of.url,
    sheet: of.sheet_url,
    section: of.section_url,
    audio: of.audio_url,
    report_url: of.report_url,
    report: own ?? null,
    notes: of.notes ?? [],
  };
});

// A record brings one report; those of other takes are files.
effect(() => {
  const url = shown.value?.report === null ? shown.value.report_url : null;
  if (!url) return;
  void fetch(local(url))
    .then((answer) => (answer.ok ? answer.json() : null))
    .then((report: Report | null) => {
      if (report) fetched.value = new Map(fetched.value).set(url, report);
    })
    .catch(() => undefined);
});

effect(() => {
  if (record.value === null) chosen.value = null;
});
