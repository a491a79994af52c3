// What the server says. Keys beyond these are left alone; those marked optional may be missing.

export type Status =
  | "created"
  | "queued"
  | "dispatched"
  | "processing"
  | "success"
  | "failed"
  | "cancelled";

export type Mode = "replace_audio_and_video" | "replace_audio" | "replace_video";

export interface Payload {
  video_uri: string;
  start_time: number;
  duration: number;
  prompt?: string;
  mode?: Mode;
  seed?: number;
  takes?: number;
  seeds?: number[];
}

export interface Progress {
  stage: string;
  done: number;
  total: number;
  percent?: number | null;
}

export interface StreamReport {
  action: "copied" | "smart" | "reencoded" | "created" | "absent";
  codec: string | null;
  reason: string | null;
  packets: number;
  packets_copied: number;
  frames_exact: number;
  frames_reencoded: number;
  frames_generated: number;
}

export interface Report {
  source: Record<string, unknown>;
  output: Record<string, unknown>;
  section: Record<string, unknown>;
  video: StreamReport;
  audio: StreamReport;
  seams: {
    psnr_in_db: number | null;
    psnr_out_db: number | null;
    loudness_step_in_lu: number | null;
    loudness_step_out_lu: number | null;
  };
  checks: { name: string; passed: boolean; detail: string }[];
  engine: string;
  seed: number;
  notes: string[];
  fallback: string | null;
  stages_s: Record<string, number>;
}

/** One of several results; those that failed have no `url`. */
export interface TakeRecord {
  take: number;
  seed: number;
  status: string;
  url?: string;
  sheet_url?: string | null;
  section_url?: string | null;
  audio_url?: string | null;
  report_url?: string | null;
  notes?: string[];
}

export interface Outcome {
  media_urls?: { id: string; url: string; take?: number }[];
  thumbnail_image_url?: string | null;
  sheet_url?: string | null;
  section_url?: string | null;
  audio_url?: string | null;
  report_url?: string | null;
  takes?: TakeRecord[];
  takes_sheet_url?: string | null;
  error?: string;
}

export interface RequestRecord {
  request_id: string;
  model: string;
  status: Status;
  created_at: number;
  payload: Partial<Payload>;
  outcome: Outcome | null;
  error?: string | null;
  reason?: string | null;
  code?: string | null;
  param?: string | null;
  progress?: Progress | null;
  queue_position?: number | null;
  eta_seconds?: number | null;
  warnings?: string[];
  notes?: string[];
  engine?: string | null;
  seed?: number | null;
  report?: Report | null;
}

export interface Upload {
  upload_url: string;
  public_url: string;
}

export interface Parameter {
  name: string;
  min_value?: number | null;
  max_value?: number | null;
}

export interface ModelDetail {
  model: string;
  display_name?: string;
  parameters?: Parameter[];
}
