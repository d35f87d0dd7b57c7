/** What the core calls this carrier's leg; docs/boundary.md, Configuration. */
export const LEG = "twilio";
