/**
 * Finds possible secrets in a stream of bytes: anything in the form of ours, wherever it is, and anything that begins like
 * a known foreign secret. Never writes or throws what it found.
 */
import { defaultPrefix, hasChecksum, lengthsOf, startOf } from './secrets.ts'

/** A part of the text that may be a secret. */
interface Candidate {
  /** From 1. */
  readonly line: number
  readonly text: string
  readonly start: string
  /** Whether it has the form of ours and a valid checksum. */
  readonly checksum: boolean
  /** Whether it has the form of ours with a prefix in use. */
  readonly ours: boolean
}

/**
 * The version of the text it was found in: plain, or with percent escapes decoded. A secret without escapes is in both
 * and counts once.
 */
export interface Sighted extends Candidate {
  readonly side: 'both' | 'plain' | 'decoded'
}

export interface Known {
  /** Of secrets of ours. */
  readonly prefixes: readonly string[]
  /** How foreign secrets begin; one with an empty start may begin in any way. */
  readonly starts: readonly string[]
}

/** Longest secret that is looked up. */
const longest = 512
/** A prefix of ours has at most twelve characters. */
const lookBehind = 16
const bodyLength = 36
/** The start of a secret of six characters. Shorter ones could be any word. */
const shortestStart = 2
/** A start of at least this length may come with an imported hash, so it says nothing about the length of the secret. */
const tellingStart = 4
/** For secrets imported as a hash without a start. */
const shortestWord = 8

/**
 * Whether the text, with percent escapes decoded, contains one of our secrets: one with a valid checksum under any prefix,
 * or a mistyped one under the default prefix. Foreign secrets have no fixed form; `key identify` finds stored ones.
 */
export function holdsSecret(text: string): boolean {
  if (text.length < shortestOwn || !/[0-9A-Za-z%]{36}/.test(text)) return false
  const scanner = new SecretScanner({ prefixes: [defaultPrefix], starts: [] })
  const bytes = new TextEncoder().encode(text)
  return [...scanner.scan(bytes), ...scanner.end()].length > 0
}

/** Two characters of prefix, the underscore and the body. */
const shortestOwn = 39

export class SecretScanner {
  readonly #prefixes: ReadonlySet<string>
  /** By their first two characters. */
  readonly #starts: ReadonlyMap<string, readonly string[]>
  readonly #firsts = new Uint8Array(256)
  readonly #triesWords: boolean
  readonly #plain = new Tape()
  #decoded: Tape | undefined
  #half = ''

  constructor({ prefixes, starts }: Known) {
    this.#prefixes = new Set(prefixes)
    this.#triesWords = starts.includes('')
    this.#starts = Map.groupBy(
      starts.filter(start => start.length >= shortestStart),
      start => start.slice(0, shortestStart),
    )
    for (const head of this.#starts.keys()) this.#firsts[head.charCodeAt(0)] = 1
  }

  /** Scans a chunk. The last characters wait for the next chunk. */
  scan(chunk: Uint8Array): Iterable<Sighted> {
    // A character per byte; UTF-16 is ASCII with zeros between.
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      .toString('latin1')
      .replaceAll('\0', '')
    return this.#read(text, longest)
  }

  /** Scans the rest at the end of the text. */
  end(): Iterable<Sighted> {
    return this.#read('', 0)
  }

  *#read(text: string, lookAhead: number): Iterable<Sighted> {
    // From the first percent sign on, both the plain and the decoded text are scanned.
    if (this.#decoded === undefined && text.includes('%')) this.#decoded = this.#plain.copy()
    const decoded = this.#decoded
    const side = decoded === undefined ? 'both' : 'plain'
    for (const candidate of this.#find(this.#plain.append(text, lookAhead))) yield { ...candidate, side }
    if (decoded === undefined) return
    const found = this.#find(decoded.append(this.#decode(text, lookAhead === 0), lookAhead))
    for (const candidate of found) yield { ...candidate, side: 'decoded' }
  }

  /** Line breaks are not decoded, so that lines are counted alike. Half an escape waits for its end. */
  #decode(text: string, isLast: boolean): string {
    const all = this.#half + text
    const cut = isLast ? all.length : all.length - (/%[0-9A-Fa-f]?$/.exec(all)?.[0].length ?? 0)
    this.#half = all.slice(cut)
    return all.slice(0, cut).replace(/%([2-7][0-9A-Fa-f])/g, (whole, digits: string) => {
      const code = Number.parseInt(digits, 16)
      return isPrintable(code) ? String.fromCharCode(code) : whole
    })
  }

  *#find(window: Window): Iterable<Candidate> {
    const { text, from, to } = window
    let line = window.line
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at)
      if (code === 0x0a) line++
      else if (code === 0x5f) yield* this.#ours(text, at, line)
      if (this.#firsts[code & 0xff]) yield* this.#foreign(text, at, line)
      if (this.#triesWords && isPrintable(code) && !isPrintable(text.charCodeAt(at - 1))) {
        yield* this.#words(text.slice(at, runEnd(text, at)), line)
      }
    }
  }

  /** A secret of ours around the underscore at `at`: the checksum says where its prefix begins. */
  *#ours(text: string, at: number, line: number): Iterable<Candidate> {
    let end = at + 1
    while (end - at - 1 <= bodyLength && isBase62(text.charCodeAt(end))) end++
    if (end - at - 1 < bodyLength) return
    const body = text.slice(at, at + 1 + bodyLength)
    let start = at
    while (at - start < 12 && isPrefix(text.charCodeAt(start - 1))) start--
    for (let begin = at - 2; begin >= start; begin--) {
      const secret = text.slice(begin, at) + body
      if (!hasChecksum(secret)) continue
      yield { line, text: secret, start: startOf(secret), checksum: true, ours: true }
      return
    }
    const prefix = text.slice(start, at)
    const stands = end - at - 1 === bodyLength && !isBase62(text.charCodeAt(start - 1))
    if (!stands || !this.#prefixes.has(prefix)) return
    const secret = prefix + body
    yield { line, text: secret, start: startOf(secret), checksum: false, ours: true }
  }

  *#foreign(text: string, at: number, line: number): Iterable<Candidate> {
    const starts = this.#starts.get(text.slice(at, at + shortestStart))
    if (starts === undefined) return
    for (const start of starts) {
      if (!text.startsWith(start, at)) continue
      const most = runEnd(text, at) - at
      for (const length of lengths(text, at, start, most)) {
        const secret = text.slice(at, at + length)
        if (!this.#isOurs(secret)) yield { line, text: secret, start, checksum: false, ours: false }
      }
    }
  }

  /** The words in a run of characters: all of it, without surrounding punctuation, and split at separators. */
  *#words(run: string, line: number): Iterable<Candidate> {
    const trimmed = run.replace(/^[^\w]+|[^\w]+$/g, '')
    for (const text of new Set([run, trimmed, ...run.split(/[^\w.~+/-]+/), ...run.split(/[^\w-]+/)])) {
      const isKnown =
        this.#isOurs(text) ||
        this.#starts.get(text.slice(0, shortestStart))?.some(start => text.startsWith(start))
      if (text.length < shortestWord || isKnown) continue
      yield { line, text, start: startOf(text), checksum: false, ours: false }
    }
  }

  /** Whether `#ours` already finds it. */
  #isOurs(text: string): boolean {
    const prefix = /^([a-z][a-z0-9]{1,11})_[0-9A-Za-z]{36}$/.exec(text)?.[1]
    return prefix !== undefined && (this.#prefixes.has(prefix) || hasChecksum(text))
  }
}

/** Possible lengths of a secret with this start. One imported as a hash may end at any end of a word. */
function* lengths(text: string, at: number, start: string, most: number): Iterable<number> {
  const isTelling = start.length >= tellingStart
  const [least, longest] = lengthsOf(start) ?? [start.length, most]
  const last = isTelling ? most : Math.min(most, longest)
  for (let length = start.length; length <= last; length++) {
    const byRule = length >= least && length <= longest
    const ends = isTelling && (length === most || !isWord(text.charCodeAt(at + length)))
    if (byRule || ends) yield length
  }
}

interface Window {
  readonly text: string
  /** Start of the part to scan. */
  readonly from: number
  /** End of the part to scan. The text after it is only for secrets that begin before it. */
  readonly to: number
  /** Line of `from`. */
  readonly line: number
}

/** The end of a stream so far: enough to see what began earlier, and its surroundings. */
class Tape {
  #kept = ''
  #behind = 0
  #line = 1

  copy(): Tape {
    const tape = new Tape()
    tape.#kept = this.#kept
    tape.#behind = this.#behind
    tape.#line = this.#line
    return tape
  }

  append(text: string, lookAhead: number): Window {
    const all = this.#kept + text
    const from = this.#behind
    const to = Math.max(from, all.length - lookAhead)
    const window = { text: all, from, to, line: this.#line }
    for (let at = all.indexOf('\n', from); at >= 0 && at < to; at = all.indexOf('\n', at + 1)) this.#line++
    const keep = Math.max(0, to - lookBehind)
    this.#kept = all.slice(keep)
    this.#behind = to - keep
    return window
  }
}

function runEnd(text: string, at: number): number {
  let end = at
  while (end - at < longest && isPrintable(text.charCodeAt(end))) end++
  return end
}

const isPrintable = (code: number): boolean => code > 0x20 && code < 0x7f
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
const isLower = (code: number): boolean => code >= 0x61 && code <= 0x7a
const isUpper = (code: number): boolean => code >= 0x41 && code <= 0x5a
const isPrefix = (code: number): boolean => isDigit(code) || isLower(code)
const isBase62 = (code: number): boolean => isPrefix(code) || isUpper(code)
const isWord = (code: number): boolean => isBase62(code) || code === 0x5f || code === 0x2d
