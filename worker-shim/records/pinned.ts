import type { Limits, Profile } from "../profile.ts";
import type { Tables } from "./tables.ts";

/** What a call was begun with, and goes on with whatever the settings are by then. No secret is in it. */
export interface PinnedSettings {
  readonly profile: Profile;
  readonly limits: Limits;
}

/** Written with the call's row; an object of before there was such a thing has none. */
export class Pinned {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** What is pinned stays. */
  pin({ profile, limits }: PinnedSettings): void {
    this.#tables.rows(
      "INSERT OR IGNORE INTO pinned (one, profile, limits) VALUES (1, ?, ?)",
      JSON.stringify(profile),
      JSON.stringify(limits),
    );
  }

  /** `settings` where nothing is pinned. */
  over(settings: PinnedSettings): PinnedSettings {
    const [row] = this.#tables.rows<{ profile: string; limits: string }>("SELECT profile, limits FROM pinned");
    if (!row) return settings;
    return { profile: JSON.parse(row.profile) as Profile, limits: JSON.parse(row.limits) as Limits };
  }
}
