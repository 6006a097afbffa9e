/**
 * Tells whether a SQLite write-ahead log is whole. SQLite stops reading one at the first frame that does not fit and
 * says nothing, which is right after a crash, and silent loss when the file was cut or has rotted.
 *
 * Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export interface LogState {
  /**
   * whole: every transaction is there. unfinished: the last one is not whole, as a crash or a copy made too early
   * leaves it. damaged: something in front of transactions that are there cannot be read.
   */
  readonly end: 'whole' | 'unfinished' | 'damaged'
  /** How many transactions are there and cannot be read; null when the header cannot be, and nothing tells. */
  readonly lost: number | null
  /** The number of the first frame that cannot be read, 0 for the header; null when all can. */
  readonly brokenAt: number | null
}

const headerBytes = 32
const frameHeaderBytes = 24

/** Reads all of it, and compares every sum. What is being written meanwhile may look damaged. */
export function logState(path: string): LogState {
  return withLog(path, log => {
    if (log === 'empty') return { end: 'whole', lost: 0, brokenAt: null }
    return log === 'unreadable' ? { end: 'damaged', lost: null, brokenAt: 0 } : framesState(log)
  })
}

/**
 * The number of the last frame that ends a transaction, whether those before it can be read or not; Infinity when the
 * header cannot. Reads a few frames from the end, and no page.
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

interface Log {
  readonly file: number
  readonly size: number
  readonly frameBytes: number
  /** Whole ones. */
  readonly frames: number
  /** Frames of an earlier round, which this one has not overwritten yet, have other salts. */
  readonly salts: Buffer
  /** Of the header; the frames carry it on. */
  readonly checksum: Checksum
}

function withLog<T>(path: string, work: (log: Log | 'empty' | 'unreadable') => T): T {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    // Without a whole header there never was a frame.
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
  /** Whole transactions behind what is broken, and whether the broken frame would have ended one. */
  let behind = 0
  let here = 0
  /** Frames since the last one that ends a transaction. */
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
      // What was taken back, or cut short by a crash, lies behind the newest frames too, and ends no transaction.
      behind++
    }
  }
  if (behind > 0) return { end: 'damaged', lost: behind + here, brokenAt }
  const isCut = open > 0 || (brokenAt === null && headerBytes + frames * frameBytes < size)
  return { end: isCut ? 'unfinished' : 'whole', lost: 0, brokenAt }
}

/** SQLite's own sum, over 32-bit words, carried on from frame to frame. */
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

  /** The sum itself is stored in big-endian order whatever the words are. */
  equals(bytes: Buffer, at: number): boolean {
    return this.#first === bytes.readUInt32BE(at) && this.#second === bytes.readUInt32BE(at + 4)
  }
}
