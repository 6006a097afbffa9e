/** How often randomized tests run: a few times with each change, many times with `bun run test:long`. */

/** Kills at random moments. */
export const kills = Number(process.env['LATCHKEY_KILLS'] ?? 2)

/** Generated histories. */
export const histories = Number(process.env['LATCHKEY_HISTORIES'] ?? 40)

/** A generator that can be repeated: mulberry32. */
export function chances(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return { whole, pick: <T>(list: readonly T[]): T => list[whole(0, list.length - 1)]! }
}
