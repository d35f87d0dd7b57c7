/** Paths of an object's `fetch`. */
export const LEG_PATH = "/leg";
export const OBSERVER_PATH = "/observer";

/** Header of a request for LEG_PATH: the carrier has signed the upgrade. */
export const SIGNED_HEADER = "X-Signed";

/** What an object says that cannot be opened: a later version of the code has made its tables. */
export const UNOPENED = "the call's object was not opened";
