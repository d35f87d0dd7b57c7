/** Windowed-sinc conversion of a whole recording between any two rates; slow and good. */
export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return samples;
  const ratio = toHz / fromHz;
  const cutoff = Math.min(1, ratio) * 0.94;
  const reach = Math.ceil(24 / cutoff);
  const out = new Int16Array(Math.floor(samples.length * ratio));
  for (let i = 0; i < out.length; i++) {
    const centre = i / ratio;
    const first = Math.ceil(centre - reach);
    let sum = 0;
    for (let k = Math.max(first, 0); k <= centre + reach && k < samples.length; k++) {
      const t = k - centre;
      const x = Math.PI * t * cutoff;
      const sinc = Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * t) / (reach + 1));
      sum += (samples[k] ?? 0) * sinc * window * cutoff;
    }
    out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
}
