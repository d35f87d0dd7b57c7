/**
 * Which agents' providers fail for call after call, as far as one isolate sees: calls begin with another agent of their
 * list while that is so, and one call at a time tries whether it is over. Nothing here decides about a call: what is to
 * be skipped goes into the configuration of its session, and so into what a replay reads.
 */

/** Calls in a row that an agent has failed, each within {@link WINDOW_MS} of the one before: it is skipped from then on. */
export const OPENS_AFTER = 3;
/** A failure that is older says nothing of now. */
export const WINDOW_MS = 120_000;
/** For so long it is skipped, twice as long each time that a trial fails, and never longer than {@link MAX_OPEN_MS}. */
export const OPEN_MS = 30_000;
export const MAX_OPEN_MS = 480_000;
/** A call that tries has so long to be answered; then another one may. */
export const TRIAL_MS = 60_000;
/** Agents that are remembered. Overflow: the one that was heard of longest ago is forgotten, and is not skipped. */
export const MAX_CIRCUITS = 64;

interface Circuit {
  /** In a row. */
  failures: number;
  lastMs: number;
  /** Epoch ms; 0 while it is closed. */
  openUntilMs: number;
  openMs: number;
  /** A call tries it until then. */
  trialUntilMs: number;
}

export interface CircuitCounters {
  opened: number;
  /** Agents of calls that were skipped. */
  skipped: number;
  trials: number;
  /** Circuits that were closed by a trial, or by a call that had no other agent. */
  closed: number;
  forgotten: number;
}

export interface OpenCircuit {
  readonly agent: string;
  readonly failures: number;
  /** ISO 8601. From then on one call tries. */
  readonly until: string;
}

export class Circuits {
  readonly #nowMs: () => number;
  /** In the order in which they were heard of. */
  readonly #circuits = new Map<string, Circuit>();
  readonly counters: CircuitCounters = { opened: 0, skipped: 0, trials: 0, closed: 0, forgotten: 0 };

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether a call is to try others before this one. Of those that ask when it may be well again, one is told no. */
  isSkipped(agent: string): boolean {
    const circuit = this.#circuits.get(agent);
    if (!circuit || circuit.openUntilMs === 0) return false;
    const nowMs = this.#nowMs();
    if (nowMs < circuit.openUntilMs || nowMs < circuit.trialUntilMs) {
      this.counters.skipped++;
      return true;
    }
    circuit.trialUntilMs = nowMs + TRIAL_MS;
    this.counters.trials++;
    return false;
  }

  /** A call had to go on to another one, or ended for it. */
  failed(agent: string): void {
    const nowMs = this.#nowMs();
    const circuit = this.#circuits.get(agent) ?? {
      failures: 0,
      lastMs: nowMs,
      openUntilMs: 0,
      openMs: OPEN_MS,
      trialUntilMs: 0,
    };
    const isOld = circuit.openUntilMs === 0 && nowMs - circuit.lastMs > WINDOW_MS;
    circuit.failures = isOld ? 1 : circuit.failures + 1;
    circuit.lastMs = nowMs;
    this.#remember(agent, circuit);
    const isTrial = circuit.openUntilMs !== 0 && nowMs >= circuit.openUntilMs;
    if (isTrial) circuit.openMs = Math.min(circuit.openMs * 2, MAX_OPEN_MS);
    // Calls that had begun before it opened say nothing new.
    if (circuit.openUntilMs !== 0 && !isTrial) return;
    if (circuit.failures < OPENS_AFTER) return;
    circuit.openUntilMs = nowMs + circuit.openMs;
    circuit.trialUntilMs = 0;
    this.counters.opened++;
  }

  /** It has answered a caller. */
  succeeded(agent: string): void {
    const circuit = this.#circuits.get(agent);
    if (!circuit) return;
    if (circuit.openUntilMs !== 0) this.counters.closed++;
    this.#circuits.delete(agent);
  }

  /** Those that are skipped now. */
  open(): readonly OpenCircuit[] {
    return [...this.#circuits]
      .filter(([, { openUntilMs }]) => openUntilMs !== 0)
      .map(([agent, { failures, openUntilMs }]) => ({
        agent,
        failures,
        until: new Date(openUntilMs).toISOString(),
      }));
  }

  #remember(agent: string, circuit: Circuit): void {
    this.#circuits.delete(agent);
    this.#circuits.set(agent, circuit);
    if (this.#circuits.size <= MAX_CIRCUITS) return;
    const [oldest] = this.#circuits.keys();
    if (oldest === undefined) return;
    this.#circuits.delete(oldest);
    this.counters.forgotten++;
  }
}

/** This isolate's. */
export const circuits = new Circuits(() => Date.now());
