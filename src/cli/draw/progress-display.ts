/**
 * Shows progress on stderr: one line on a terminal, which is removed at the end, or JSON lines for programs. Must not
 * slow down the work, or make it fail.
 */
import type { Progress, ProgressListener } from '../../contract/views.ts'
import { bytes, count } from '../../text/quantity.ts'
import type { Output } from '../terminal/streams.ts'
import { bar } from './chart.ts'

export interface ProgressDisplay {
  readonly tell: ProgressListener
  /** Removes the line, so that something else can be written. The next progress draws it again. */
  readonly clear: () => Promise<void>
  /** Nothing more will be shown. */
  readonly end: () => Promise<void>
}

/** Shorter work would only flicker. */
const quietMs = 500
const lineEveryMs = 100
const jsonEveryMs = 250
const clearLine = '\r\x1b[K'

/** Redraws one line. `clock` returns milliseconds from any origin. */
export function lineProgress(stderr: Output, unicode: boolean, clock: () => number): ProgressDisplay {
  const measure = measuring(clock)
  const began = clock()
  let drawnAt = Number.NEGATIVE_INFINITY
  let isDrawn = false
  let latest: Progress | undefined
  let ticking: ReturnType<typeof setInterval> | undefined
  const draw = (): void => {
    const now = clock()
    if (latest === undefined || now - began < quietMs || now - drawnAt < lineEveryMs) return
    drawnAt = now
    isDrawn = true
    void stderr.write(clearLine + progressLine(measure(latest), (stderr.columns ?? 80) - 1, unicode))
  }
  const clear = async (): Promise<void> => {
    if (isDrawn) await stderr.write(clearLine)
    isDrawn = false
    latest = undefined
  }
  return {
    tell: progress => {
      latest = progress
      measure(progress)
      draw()
      // Steps of unknown length show how long they have taken.
      ticking ??= setInterval(draw, 500).unref()
    },
    clear,
    end: async () => {
      clearInterval(ticking)
      ticking = undefined
      await clear()
    },
  }
}

/** At most this many lines a second, and always the last of each step. */
export function jsonProgress(stderr: Output, clock: () => number): ProgressDisplay {
  const measure = measuring(clock)
  let toldAt = Number.NEGATIVE_INFINITY
  let held: Measured | undefined
  const write = async (measured: Measured): Promise<void> => {
    held = undefined
    const { elapsedMs: _, ...progress } = measured
    await stderr.write(`${JSON.stringify({ progress })}\n`)
  }
  const flush = async (): Promise<void> => {
    if (held) await write(held)
  }
  return {
    tell: progress => {
      if (held && held.step !== progress.step) void flush()
      const now = clock()
      held = measure(progress)
      if (now - toldAt < jsonEveryMs) return
      toldAt = now
      void flush()
    },
    clear: flush,
    end: flush,
  }
}

/** Progress with values derived from its time. */
export interface Measured extends Progress {
  /** Units per second since the step began. */
  readonly rate: number | null
  /** Milliseconds left at that rate. */
  readonly etaMs: number | null
  readonly elapsedMs: number
}

/** Shorter times are too inaccurate for a rate. */
const leastMs = 50

function measuring(clock: () => number): (progress: Progress) => Measured {
  let step: string | undefined
  let began = 0
  let doneAtStart = 0
  let last = 0
  return progress => {
    const now = clock()
    if (progress.step !== step || progress.done < last) {
      step = progress.step
      began = now
      // What was already done at the first report took an unknown time.
      doneAtStart = progress.done
    }
    last = progress.done
    const { done, total } = progress
    const elapsedMs = now - began
    const speed = elapsedMs < leastMs ? 0 : (done - doneAtStart) / elapsedMs
    return {
      ...progress,
      rate: speed > 0 ? rounded(speed * 1_000) : null,
      etaMs: total === null || speed <= 0 ? null : Math.round(Math.max(0, total - done) / speed),
      elapsedMs,
    }
  }
}

const rounded = (rate: number): number => Number(rate.toPrecision(4))

/** `Packing    ████▌      ▏  45%  83.1 of 185 MiB  61 MiB/s  2s left`. Parts that do not fit are left out, the bar first. */
export function progressLine(measured: Measured, width: number, unicode: boolean): string {
  const { step, done, total, unit, rate, etaMs, elapsedMs } = measured
  const known = total !== null && total > 0 && done > 0
  const fraction = known ? Math.min(1, done / total) : 0
  const name = step.charAt(0).toUpperCase() + step.slice(1)
  const percent = known ? `${Math.floor(fraction * 100)}%`.padStart(4) : ''
  const speed = rate === null ? '' : `${unit === 'bytes' ? bytes(rate) : perSecond(rate)}/s`
  const waited = elapsedMs < 1_000 ? '' : clockText(elapsedMs)
  const time = etaMs === null ? waited : `${clockText(etaMs)} left`
  const line = (...parts: readonly string[]) => parts.filter(part => part !== '').join('  ')
  const full = line(name.padEnd(9), percent, amountText(measured), speed, time)
  const room = Math.min(widestBar, width - full.length - 3)
  if (known && room >= narrowestBar) {
    const picture = `${bar(fraction, room, unicode)}${unicode ? '▏' : '|'}`
    return line(name.padEnd(9), picture, percent, amountText(measured), speed, time)
  }
  const shorter = [full, line(name, percent, speed, time), line(name, percent, time), line(name, percent)]
  return shorter.find(text => text.length <= width) ?? name.slice(0, Math.max(0, width))
}

const widestBar = 30
const narrowestBar = 6

/** `51 of 66 MiB`, `1.2 MiB of 3 GiB`, `7,000 of 30,000 rows`, or as much as is known. */
function amountText({ done, total, unit }: Progress): string {
  const text = (value: number) => (unit === 'bytes' ? bytes(value) : `${count(value)} ${unit}`)
  if (total === null) return done === 0 ? '' : text(done)
  if (done === 0) return text(total)
  const [number = '', ...words] = text(done).split(' ')
  const all = text(total)
  return `${all.endsWith(` ${words.join(' ')}`) ? number : text(done)} of ${all}`
}

const perSecond = (rate: number): string => (rate < 10 ? String(Number(rate.toFixed(1))) : count(rate))

/** `7s`, `3m 20s`, `2h 05m` */
function clockText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3_600)}h ${two(Math.floor((seconds % 3_600) / 60))}m`
}
