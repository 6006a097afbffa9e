/** Who is told how far something long has come: nobody, most of the time. `progress-display.ts` tells it. */

import type { Output } from '../terminal/streams.ts'
import type { ProgressDisplay } from './progress-display.ts'

export const progressModes = ['auto', 'json', 'never'] as const
/** `auto` is a line on a terminal, and nothing off one. */
export type ProgressMode = (typeof progressModes)[number]

export interface ProgressOptions {
  readonly mode: ProgressMode
  readonly unicode: boolean
  /** A terminal that cannot take a line away. */
  readonly dumb: boolean
  /** Milliseconds from any origin. */
  readonly clock?: () => number
}

/** Tells it where somebody listens: at a terminal that can take a line away, or where `json` asks for it. */
export async function createProgress(stderr: Output, options: ProgressOptions): Promise<ProgressDisplay> {
  const { mode, unicode, dumb, clock = () => performance.now() } = options
  if (mode !== 'json' && (mode === 'never' || !stderr.isTerminal || dumb)) return silence
  const { jsonProgress, lineProgress } = await import('./progress-display.ts')
  return mode === 'json' ? jsonProgress(stderr, clock) : lineProgress(stderr, unicode, clock)
}

const silence: ProgressDisplay = { tell: () => {}, clear: async () => {}, end: async () => {} }
