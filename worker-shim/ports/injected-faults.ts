/** What can be made to fail, where faults may be injected. */
export const DEPENDENCIES = ["d1", "r2", "kv"] as const;
export type Dependency = (typeof DEPENDENCIES)[number];

/** `wrong`: answers, but has done nothing. `none`: works again. */
export const FAULTS = ["none", "error", "timeout", "slow", "wrong"] as const;
export type InjectedFault = (typeof FAULTS)[number];

const SLOW_MS = 1_500;

/** Of this isolate. Nothing reads it unless faults may be injected. */
const injected = new Map<Dependency, InjectedFault>();

export function injectFault(dependency: Dependency, fault: InjectedFault): void {
  injected.set(dependency, fault);
}

/** Does `work` as the dependency would at the moment. */
export async function asInjected<T>(dependency: Dependency, work: () => Promise<T>): Promise<T> {
  switch (injected.get(dependency) ?? "none") {
    case "error":
      throw new Error("injected: an error");
    case "timeout":
      return new Promise(() => undefined);
    case "wrong":
      return undefined as T;
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      return work();
    case "none":
      return work();
  }
}
