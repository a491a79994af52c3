// What came out: download, what was kept and what was made, how it was joined.

import { seed, section } from "../state/form";
import { again, goOn, job } from "../state/request";
import { chosen, shown, shownTake, takes } from "../state/takes";
import { attachment, local } from "../wire/client";
import type { Report, RequestRecord, StreamReport } from "../wire/types";
import { effective, fate, joins, shares, span } from "../words";
import { Choice } from "./choice";
import { CheckIcon, CrossIcon, DownloadIcon, WarnIcon } from "./icons";

export function ResultPanel() {
  if (job.value.at !== "done") return null;
  const { record } = job.value;
  if (shown.value === null) return null;
  const { video, report, notes, sheet } = shown.value;
  return (
    <section class="panel" aria-label="The result">
      <div class="panel-scroll">
        <h2 class="done" tabIndex={-1}><CheckIcon />The section is re-shot</h2>
        <p class="asked">{record.payload.prompt || "No prompt"}</p>
        <Takes />
        {report && <Kept report={report} />}
        <Said record={record} report={report} notes={notes} />
        {sheet && <Sheet url={sheet} />}
        <Files />
        {report && <Details report={report} />}
      </div>
      <div class="panel-foot">
        {video && (
          <a class="button primary large wide" href={attachment(video)} download>
            <DownloadIcon />Download
          </a>
        )}
        <div class="row">
          <button type="button" class="wide" onClick={again} title="Back to the source, with the same section and prompt">Edit again</button>
          <button type="button" class="wide" disabled={!video} onClick={() => video && goOn(video)} title="Make the next retake in this result">Go on from here</button>
        </div>
      </div>
    </section>
  );
}

function Kept({ report }: { report: Report }) {
  const streams = [["Picture", "picture", report.video], ["Sound", "sound", report.audio]] as const;
  const { start, end } = effective(report) ?? section.value;
  return (
    <section class="kept" aria-label="What was kept">
      {streams.map(([title, name, stream]) => (
        <div class="stream" key={name}>
          <h3>{title}</h3>
          <Shares stream={stream} />
          <p>{fate(stream, name, end - start)}</p>
        </div>
      ))}
      <p class="legend" aria-hidden="true">
        <span class="share-exact" />unchanged
        <span class="share-encoded" />re-encoded
        <span class="share-made" />made anew
      </p>
    </section>
  );
}

function Shares({ stream }: { stream: StreamReport }) {
  const parts = shares(stream);
  if (!parts) return null;
  const wide = (share: number) => ({ width: `${share * 100}%` });
  return (
    <div class="shares" aria-hidden="true">
      {parts.exact > 0 && <span class="share-exact" style={wide(parts.exact)} />}
      {parts.encoded > 0 && <span class="share-encoded" style={wide(parts.encoded)} />}
      {parts.made > 0 && <span class="share-made" style={wide(parts.made)} />}
    </div>
  );
}

function Said({ record, report, notes }: { record: RequestRecord; report: Report | null; notes: string[] }) {
  const warnings = [...(record.warnings ?? []), ...(report?.fallback ? [report.fallback] : [])];
  return (
    <>
      {warnings.length > 0 && (
        <ul class="said warnings" aria-label="Warnings">
          {warnings.map((text) => <li key={text}><WarnIcon />{text}</li>)}
        </ul>
      )}
      {notes.length > 0 && (
        <section aria-labelledby="notes">
          <h3 id="notes">What the engine made of it</h3>
          <ul class="said">{notes.map((text) => <li key={text}>{text}</li>)}</ul>
        </section>
      )}
    </>
  );
}

function Sheet({ url }: { url: string }) {
  return (
    <a class="sheet" href={local(url)} target="_blank" rel="noopener">
      <img src={local(url)} alt="Contact sheet: source above, retake below, the section marked" loading="lazy" />
    </a>
  );
}

/** Which of several takes is seen. */
function Takes() {
  const all = takes.value;
  const made = all.filter((each) => each.url);
  if (all.length < 2) return null;
  return (
    <section class="takes" aria-labelledby="takes">
      <h3 id="takes">{made.length} takes to choose from</h3>
      <Choice
        label="Which take is seen"
        name="take"
        value={String(shownTake.value)}
        options={made.map((each) => [String(each.take), `Take ${each.take}`] as const)}
        pick={(value) => (chosen.value = Number(value))}
      />
    </section>
  );
}

/** What there is beside the video. */
function Files() {
  const now = shown.value;
  const overview = job.value.at === "done" ? job.value.record.outcome?.takes_sheet_url : null;
  const files = [
    ["The section alone", now?.section],
    ["Its sound alone", now?.audio],
    ["The report", now?.report_url],
    ["All takes side by side", overview],
  ] as const;
  const there = files.filter((file): file is readonly [typeof file[0], string] => Boolean(file[1]));
  if (there.length === 0) return null;
  return (
    <section aria-labelledby="files">
      <h3 id="files">Also there</h3>
      <ul class="files">
        {there.map(([words, url]) => (
          <li key={words}><a class="link" href={attachment(url)} download>{words}</a></li>
        ))}
      </ul>
    </section>
  );
}

function Details({ report }: { report: Report }) {
  const made = effective(report) ?? section.value;
  const total = Object.values(report.stages_s).reduce((sum, seconds) => sum + seconds, 0);
  return (
    <details class="details">
      <summary>Measured</summary>
      <ul class="checks">
        {report.checks.map(({ name, passed, detail }) => (
          <li key={name} class={passed ? "passed" : "not-passed"}>
            {passed ? <CheckIcon /> : <CrossIcon />}
            <span>{name}<small>{detail}</small></span>
          </li>
        ))}
      </ul>
      {joins(report).map((text) => <p key={text}>{text}</p>)}
      <dl>
        <dt>Section</dt><dd>{span(made)}</dd>
        <dt>Engine</dt><dd>{report.engine}</dd>
        <dt>Seed</dt>
        <dd>
          {report.seed}{" "}
          <button type="button" class="link" onClick={() => (seed.value = String(report.seed))}>
            {seed.value === String(report.seed) ? "kept for the next run" : "keep for the next run"}
          </button>
        </dd>
        {total > 0 && <><dt>Work</dt><dd>{total.toFixed(1)} s</dd></>}
      </dl>
    </details>
  );
}
