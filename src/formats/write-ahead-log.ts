/**
 * Tells whether a SQLite write-ahead log is whole. SQLite stops reading one at the first frame that does not fit and
 * says nothing, which is right after a crash, and silent loss when the file was cut or has rotted.
 *
 * Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/**
 * whole: every transaction is there. unfinished: the last one is not whole, as a crash or a copy made too early leaves
 * it. damaged: something in front of transactions that are there cannot be read.
 */
export type LogState = 'whole' | 'unfinished' | 'damaged'

const headerBytes = 32
const frameHeaderBytes = 24

/** @param path a log that nobody writes to */
export function logState(path: string): LogState {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    // Without a whole header there never was a frame.
    if (size < headerBytes) return 'whole'
    const header = Buffer.alloc(headerBytes)
    readSync(file, header, 0, headerBytes, 0)
    const pageSize = header.readUInt32BE(8)
    const magic = header.readUInt32BE(0)
    const littleEndian = magic === 0x377f0682
    if (!littleEndian && magic !== 0x377f0683) return 'damaged'
    const checksum = new Checksum(littleEndian)
    checksum.add(header.subarray(0, 24))
    if (!checksum.equals(header, 24) || pageSize < 512 || pageSize > 65_536) return 'damaged'
    return framesState(file, size, header.subarray(16, 24), pageSize, checksum)
  } finally {
    closeSync(file)
  }
}

function framesState(
  file: number,
  size: number,
  salts: Buffer,
  pageSize: number,
  checksum: Checksum,
): LogState {
  const frame = Buffer.alloc(frameHeaderBytes + pageSize)
  let broken = false
  /** Frames since the last one that ends a transaction. */
  let open = 0
  let at = headerBytes
  for (; at + frame.length <= size; at += frame.length) {
    readSync(file, frame, 0, frame.length, at)
    // Frames of an earlier round, which this one has not overwritten yet, have other salts.
    const isOfThisRound = frame.subarray(8, 16).equals(salts)
    if (broken) {
      if (isOfThisRound) return 'damaged'
      continue
    }
    checksum.add(frame.subarray(0, 8))
    checksum.add(frame.subarray(frameHeaderBytes))
    if (isOfThisRound && checksum.equals(frame, 16)) {
      open = frame.readUInt32BE(4) === 0 ? open + 1 : 0
      continue
    }
    broken = true
    if (isOfThisRound) open++
  }
  return open > 0 || (!broken && at < size) ? 'unfinished' : 'whole'
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
    for (let at = 0; at < bytes.length; at += 8) {
      this.#first = (this.#first + view.getUint32(at, this.#littleEndian) + this.#second) >>> 0
      this.#second = (this.#second + view.getUint32(at + 4, this.#littleEndian) + this.#first) >>> 0
    }
  }

  /** The sum itself is stored in big-endian order whatever the words are. */
  equals(bytes: Buffer, at: number): boolean {
    return this.#first === bytes.readUInt32BE(at) && this.#second === bytes.readUInt32BE(at + 4)
  }
}
