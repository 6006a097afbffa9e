/**
 * Checks whether a SQLite write-ahead log is complete. SQLite silently stops reading at the first invalid frame. That
 * is right after a crash, but loses data if the file was cut or damaged.
 *
 * Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export interface LogState {
  /**
   * whole: every transaction is there. unfinished: the last one is incomplete, as after a crash or an early copy.
   * damaged: something before complete transactions cannot be read.
   */
  readonly end: 'whole' | 'unfinished' | 'damaged'
  /** How many complete transactions cannot be read; null if that is unknown because the header is damaged. */
  readonly lost: number | null
  /** The number of the first unreadable frame, 0 for the header; null if all can be read. */
  readonly brokenAt: number | null
}

const headerBytes = 32
const frameHeaderBytes = 24

/** Reads all of it and verifies every checksum. What is being written meanwhile may look damaged. */
export function logState(path: string): LogState {
  return withLog(path, log => {
    if (log === 'empty') return { end: 'whole', lost: 0, brokenAt: null }
    return log === 'unreadable' ? { end: 'damaged', lost: null, brokenAt: 0 } : framesState(log)
  })
}

/**
 * The number of the last frame that ends a transaction, whether the frames before it can be read or not. Infinity if
 * the header cannot be read. Reads only a few frame headers from the end.
 */
export function lastCommit(path: string): number {
  return withLog(path, log => {
    if (log === 'empty') return 0
    if (log === 'unreadable') return Number.POSITIVE_INFINITY
    const header = Buffer.alloc(frameHeaderBytes)
    for (let n = log.frames; n > 0; n--) {
      readSync(log.file, header, 0, header.length, headerBytes + (n - 1) * log.frameBytes)
      if (isOfThisRound(header, log) && endsTransaction(header)) return n
    }
    return 0
  })
}

/** Whether the log has every page behind the first `from` of a file, up to `to`. Verifies no checksum. */
export function holdsPages(path: string, from: number, to: number): boolean {
  const last = lastCommit(path)
  return withLog(path, log => {
    if (typeof log === 'string') return false
    const header = Buffer.alloc(frameHeaderBytes)
    const behind = new Set<number>()
    for (let n = 0; n < Math.min(last, log.frames); n++) {
      readSync(log.file, header, 0, header.length, headerBytes + n * log.frameBytes)
      const page = header.readUInt32BE(0)
      if (isOfThisRound(header, log) && page > from && page <= to) behind.add(page)
    }
    return behind.size === to - from
  })
}

interface Log {
  readonly file: number
  readonly size: number
  readonly frameBytes: number
  /** Complete frames. */
  readonly frames: number
  /** Frames of an earlier round that are not overwritten yet have other salts. */
  readonly salts: Buffer
  /** The checksum of the header, which the frames continue. */
  readonly checksum: Checksum
}

function withLog<T>(path: string, work: (log: Log | 'empty' | 'unreadable') => T): T {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    // Without a complete header there never was a frame.
    return work(size < headerBytes ? 'empty' : readHeader(file, size))
  } finally {
    closeSync(file)
  }
}

function readHeader(file: number, size: number): Log | 'unreadable' {
  const header = Buffer.alloc(headerBytes)
  readSync(file, header, 0, headerBytes, 0)
  const pageSize = header.readUInt32BE(8)
  const magic = header.readUInt32BE(0)
  const littleEndian = magic === 0x377f0682
  if (!littleEndian && magic !== 0x377f0683) return 'unreadable'
  const checksum = new Checksum(littleEndian)
  checksum.add(header.subarray(0, 24))
  if (!checksum.equals(header, 24) || pageSize < 512 || pageSize > 65_536) return 'unreadable'
  const frameBytes = frameHeaderBytes + pageSize
  const frames = Math.floor((size - headerBytes) / frameBytes)
  return { file, size, frameBytes, frames, salts: header.subarray(16, 24), checksum }
}

const isOfThisRound = (frame: Buffer, { salts }: Log): boolean => frame.subarray(8, 16).equals(salts)
const endsTransaction = (frame: Buffer): boolean => frame.readUInt32BE(4) !== 0

function framesState(log: Log): LogState {
  const { file, size, frameBytes, frames, checksum } = log
  const frame = Buffer.alloc(frameBytes)
  let brokenAt: number | null = null
  /** Complete transactions after the broken frame, and whether that frame ends one. */
  let behind = 0
  let here = 0
  /** Frames since the last end of a transaction. */
  let open = 0
  for (let n = 0; n < frames; n++) {
    readSync(file, frame, 0, frameBytes, headerBytes + n * frameBytes)
    const current = isOfThisRound(frame, log)
    if (brokenAt === null) {
      checksum.add(frame.subarray(0, 8))
      checksum.add(frame.subarray(frameHeaderBytes))
      if (current && checksum.equals(frame, 16)) {
        open = endsTransaction(frame) ? 0 : open + 1
        continue
      }
      brokenAt = n + 1
      if (!current) continue
      open++
      here = endsTransaction(frame) ? 1 : 0
    } else if (current && endsTransaction(frame)) {
      // Frames that were rolled back or cut short by a crash are also behind the newest frames, but end no transaction.
      behind++
    }
  }
  if (behind > 0) return { end: 'damaged', lost: behind + here, brokenAt }
  const isCut = open > 0 || (brokenAt === null && headerBytes + frames * frameBytes < size)
  return { end: isCut ? 'unfinished' : 'whole', lost: 0, brokenAt }
}

/** SQLite's checksum over 32-bit words, which continues from frame to frame. */
class Checksum {
  readonly #littleEndian: boolean
  #first = 0
  #second = 0

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian
  }

  add(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const littleEndian = this.#littleEndian
    let first = this.#first
    let second = this.#second
    for (let at = 0; at < bytes.length; at += 8) {
      first = (first + view.getUint32(at, littleEndian) + second) >>> 0
      second = (second + view.getUint32(at + 4, littleEndian) + first) >>> 0
    }
    this.#first = first
    this.#second = second
  }

  /** The checksum is stored in big-endian order, whatever the order of the words. */
  equals(bytes: Buffer, at: number): boolean {
    return this.#first === bytes.readUInt32BE(at) && this.#second === bytes.readUInt32BE(at + 4)
  }
}
