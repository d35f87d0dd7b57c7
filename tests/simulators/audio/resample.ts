/** Zero crossings of the sinc to each side. */
const CROSSINGS = 24;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** A windowed sinc for each place that an output sample can have between two of the input. */
interface Kernel {
  /** Input samples before the one at or before the output sample. */
  readonly reach: number;
  readonly phases: readonly Float64Array[];
}

const kernels = new Map<string, Kernel>();

function kernelOf(up: number, down: number): Kernel {
  const key = `${up}/${down}`;
  const known = kernels.get(key);
  if (known) return known;
  const cutoff = Math.min(1, up / down) * 0.94;
  const reach = Math.ceil(CROSSINGS / cutoff);
  const phases = Array.from({ length: up }, (_, phase) =>
    Float64Array.from({ length: 2 * reach + 2 }, (_unused, tap) => {
      const t = tap - reach - phase / up;
      if (Math.abs(t) > reach) return 0;
      const x = Math.PI * t * cutoff;
      const sinc = Math.abs(x) < 1e-9 ? 1 : Math.sin(x) / x;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * t) / (reach + 1));
      return sinc * window * cutoff;
    }),
  );
  const kernel = { reach, phases };
  kernels.set(key, kernel);
  return kernel;
}

/**
 * Windowed-sinc conversion of a whole recording between any two rates. Some milliseconds for some seconds: the
 * simulators' sockets wait meanwhile.
 */
export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return samples;
  const divisor = gcd(fromHz, toHz);
  const up = toHz / divisor;
  const down = fromHz / divisor;
  const { reach, phases } = kernelOf(up, down);
  const out = new Int16Array(Math.floor((samples.length * up) / down));
  for (let i = 0; i < out.length; i++) {
    const taps = phases[(i * down) % up] ?? new Float64Array();
    const first = Math.floor((i * down) / up) - reach;
    const begin = Math.max(0, -first);
    const end = Math.min(taps.length, samples.length - first);
    let sum = 0;
    for (let tap = begin; tap < end; tap++) sum += (samples[first + tap] ?? 0) * (taps[tap] ?? 0);
    out[i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
  }
  return out;
}
