const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The profile of a call for which none is chosen. Until somebody saves one of this name it is the deployment's own. */
export const DEFAULT_NAME = "default";

export function isProfileName(name: string): boolean {
  return NAME.test(name);
}
