/** How often a test leaves something to chance: a few times at every change, many with `bun run test:long`. */

/** Kills at a moment that nobody chooses. */
export const kills = Number(process.env['LATCHKEY_KILLS'] ?? 4)

/** Histories that a generator makes up. */
export const histories = Number(process.env['LATCHKEY_HISTORIES'] ?? 120)
