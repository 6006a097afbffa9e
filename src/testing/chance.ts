/** How often randomized tests run: a few times with each change, many times with `bun run test:long`. */

/** Kills at random moments. */
export const kills = Number(process.env['LATCHKEY_KILLS'] ?? 4)

/** Generated histories. */
export const histories = Number(process.env['LATCHKEY_HISTORIES'] ?? 120)
