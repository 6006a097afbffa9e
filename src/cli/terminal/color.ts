import type { Environment } from '../../system/home.ts'
/**
 * Decides once per run what a terminal can show: colour, non-ASCII characters, pictures, a pager. Only this module
 * reads these variables.
 */

/** `--no-color` wins, then FORCE_COLOR (https://force-color.org), NO_COLOR (https://no-color.org), TERM. */
export function wantsColor(terminal: boolean, env: Environment, noColor: boolean): boolean {
  if (noColor) return false
  const forced = env['FORCE_COLOR']
  if (forced) return forced !== '0' && forced !== 'false'
  return terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}

/** Whether non-ASCII characters can be shown. They can unless the terminal or the locale says otherwise. */
export function wantsUnicode(env: Environment): boolean {
  if (env['TERM'] === 'dumb' || env['TERM'] === 'linux') return false
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG']
  return !locale || /utf-?8/i.test(locale)
}

export const charts = ['auto', 'always', 'never'] as const

/** Whether bars and sparklines are drawn. */
export const wantsPictures = (terminal: boolean, chart = 'auto'): boolean =>
  chart === 'always' || (chart !== 'never' && terminal)

/**
 * The command line of the pager for long lists; undefined for none. It is LATCHKEY_PAGER, PAGER or less; empty or cat
 * means none. A terminal that cannot move its cursor gets none.
 */
export function wantedPager(env: Environment): string | undefined {
  if (env['TERM'] === 'dumb') return undefined
  const command = (env['LATCHKEY_PAGER'] ?? env['PAGER'] ?? 'less -FRX').trim()
  return command === '' || command === 'cat' ? undefined : command
}
