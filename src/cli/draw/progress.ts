/** Decides who sees progress: usually nobody. `progress-display.ts` shows it. */

import type { Output } from '../terminal/streams.ts'
import type { ProgressDisplay } from './progress-display.ts'

export const progressModes = ['auto', 'json', 'never'] as const
/** `auto` shows a line on a terminal, and nothing otherwise. */
export type ProgressMode = (typeof progressModes)[number]

export interface ProgressOptions {
  readonly mode: ProgressMode
  readonly unicode: boolean
  /** Whether the terminal cannot erase a line. */
  readonly dumb: boolean
  /** Milliseconds from any origin. */
  readonly clock?: () => number
}

/** Shows progress on a terminal that can erase a line, or with `json`. */
export async function createProgress(stderr: Output, options: ProgressOptions): Promise<ProgressDisplay> {
  const { mode, unicode, dumb, clock = () => performance.now() } = options
  if (mode !== 'json' && (mode === 'never' || !stderr.isTerminal || dumb)) return silence
  const { jsonProgress, lineProgress } = await import('./progress-display.ts')
  return mode === 'json' ? jsonProgress(stderr, clock) : lineProgress(stderr, unicode, clock)
}

const silence: ProgressDisplay = { tell: () => {}, clear: async () => {}, end: async () => {} }
