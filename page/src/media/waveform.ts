// The loudest sample of each small part of a clip's sound, for drawing.

/** Decoding holds the whole file in memory; larger ones go without a waveform. */
const MAX_BYTES = 400e6;
export const WAVE_PARTS = 900;

async function contents(url: string, file: File | null, signal: AbortSignal): Promise<ArrayBuffer> {
  if (file) return file.arrayBuffer();
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.arrayBuffer();
}

/** Peaks from 0 to 1, or null where there is no sound that this browser can decode. */
export async function waveform(
  url: string,
  file: File | null,
  signal: AbortSignal,
): Promise<Float32Array | null> {
  if (file && file.size > MAX_BYTES) return null;
  try {
    const data = await contents(url, file, signal);
    const sound = await new OfflineAudioContext(1, 1, 22050).decodeAudioData(data);
    return signal.aborted ? null : peaks(sound);
  } catch {
    return null;
  }
}

function peaks(sound: AudioBuffer): Float32Array {
  const result = new Float32Array(WAVE_PARTS);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const samples = sound.getChannelData(channel);
    for (let at = 0; at < samples.length; at++) {
      const part = Math.floor((at * WAVE_PARTS) / samples.length);
      const size = Math.abs(samples[at] ?? 0);
      if (size > (result[part] ?? 0)) result[part] = size;
    }
  }
  // A quiet clip is drawn as tall as a loud one: the shape is what helps to find a place.
  const loudest = result.reduce((most, peak) => Math.max(most, peak), 0.05);
  return result.map((peak) => peak / loudest);
}
