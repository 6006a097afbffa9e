/**
 * Buffers rows of numbers, each with an optional text: a few in memory, many in an unnamed file, so that nothing can be
 * left behind. Reads back one block at a time, or parts of blocks.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmdirSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemFailure } from '../../system/errors.ts'

/** `rows` of `width` numbers each, and their texts, if any. */
export interface SpooledBlock {
  readonly rows: number
  readonly numbers: Float64Array
  readonly texts: () => readonly string[]
}

/** Bytes to keep in memory before using a file. */
const mostInMemory = 8 * 1024 * 1024

export class Spool implements Disposable {
  /** Number of rows. */
  rows = 0
  readonly #width: number
  #memory: { readonly numbers: Uint8Array; readonly texts: Uint8Array }[] = []
  #inMemory = 0
  #file: number | undefined
  /** Where each block begins, and its bytes. */
  readonly #inFile: { readonly at: number; readonly numbers: number; readonly texts: number }[] = []
  #fileSize = 0

  constructor(width: number) {
    this.#width = width
  }

  /** Adds a copy. Texts must not contain line breaks. @throws disk_full */
  append(numbers: Float64Array, texts: readonly string[] = []): void {
    const block = {
      numbers: new Uint8Array(numbers.slice().buffer),
      texts: Buffer.from(texts.join('\n'), 'utf8'),
    }
    this.#memory.push(block)
    this.rows += numbers.length / this.#width
    this.#inMemory += block.numbers.length + block.texts.length
    if (this.#inMemory > mostInMemory) this.#spill()
  }

  /** Number of blocks. */
  get count(): number {
    return this.#inFile.length + this.#memory.length
  }

  /**
   * The rows of a block from one of them on, as many as `into` has room for; empty past the last. They are in `into`, or where they
   * are kept in memory until more is added.
   */
  part(block: number, from: number, into: Float64Array<ArrayBuffer>): Float64Array {
    const start = from * this.#width * 8
    const inFile = this.#inFile[block]
    if (inFile === undefined) {
      const kept = this.#memory[block - this.#inFile.length]?.numbers ?? new Uint8Array(0)
      const part = kept.subarray(start, start + into.byteLength)
      return new Float64Array(part.buffer, part.byteOffset, part.byteLength / 8)
    }
    const length = Math.max(0, Math.min(inFile.numbers - start, into.byteLength))
    this.#read(new Uint8Array(into.buffer, into.byteOffset, length), inFile.at + start)
    return into.subarray(0, length / 8)
  }

  /** Every block, in the order they were added. */
  *blocks(): Iterable<SpooledBlock> {
    for (const { at, numbers, texts } of this.#inFile) {
      const bytes = new Uint8Array(numbers + texts)
      this.#read(bytes, at)
      yield this.#block(bytes.subarray(0, numbers), bytes.subarray(numbers))
    }
    for (const { numbers, texts } of this.#memory) yield this.#block(numbers, texts)
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#memory = []
  }

  #block(bytes: Uint8Array, text: Uint8Array): SpooledBlock {
    const numbers = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
    const texts = () =>
      text.length === 0
        ? []
        : Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8').split('\n')
    return { rows: numbers.length / this.#width, numbers, texts }
  }

  #spill(): void {
    try {
      this.#file ??= openNameless()
      for (const { numbers, texts } of this.#memory) {
        writeAll(this.#file, numbers)
        writeAll(this.#file, texts)
        this.#inFile.push({ at: this.#fileSize, numbers: numbers.length, texts: texts.length })
        this.#fileSize += numbers.length + texts.length
      }
    } catch (error) {
      throw systemFailure(error, tmpdir())
    }
    this.#memory = []
    this.#inMemory = 0
  }

  #read(bytes: Uint8Array, position: number): void {
    if (this.#file === undefined) throw new Error('the spool is closed')
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, position + done)
      if (read === 0) throw new Error('the spool is shorter than what was put into it')
      done += read
    }
  }
}

/** A private file that disappears when it is closed, however the process ends. */
function openNameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-ingest-'))
  const path = join(folder, 'spool')
  try {
    const file = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
    return file
  } finally {
    rmdirSync(folder)
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}
