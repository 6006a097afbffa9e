/** The bytes of a backup: hashed, packed in frames of which several are compressed at once, and unpacked again. */
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGunzip, createZstdDecompress, gzip } from 'node:zlib'
import { LatchkeyError } from '../../contract/errors.ts'
import { codeOf } from '../../db/errors.ts'

export const compressions = ['none', 'zstd', 'gzip'] as const
export type Compression = (typeof compressions)[number]

/** What the file of a backup ends in. */
export const extensions: Readonly<Record<Compression, string>> = {
  none: '.db',
  zstd: '.db.zst',
  gzip: '.db.gz',
}

export interface Digest {
  readonly bytes: number
  /** SHA-256 in hex. */
  readonly sha256: string
}

/** Reads a file once. It must not be open as a database in this process. */
export async function digest(path: string): Promise<Digest> {
  const tally = new Tally()
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) tally.add(chunk as Buffer)
  return tally.result()
}

/** Compresses `source` into the existing empty file `target`; both are hashed in the same pass. */
export async function pack(
  source: string,
  target: string,
  compression: Exclude<Compression, 'none'>,
): Promise<{ readonly raw: Digest; readonly packed: Digest }> {
  const raw = new Tally()
  const packed = new Tally()
  const input = await open(source, 'r')
  const output = await open(target, 'r+')
  const queue: Promise<Uint8Array>[] = []
  const writeNext = async () => {
    const frame = await queue.shift()
    if (frame === undefined) return
    packed.add(frame)
    await writeAll(output, frame)
  }
  try {
    for await (const frame of frames(input)) {
      raw.add(frame)
      queue.push(compressFrame(frame, compression))
      if (queue.length >= framesAtOnce) await writeNext()
    }
    while (queue.length > 0) await writeNext()
    return { raw: raw.result(), packed: packed.result() }
  } finally {
    await Promise.allSettled(queue)
    await input.close()
    await output.close()
  }
}

/**
 * Unpacks `source` into the existing empty file `target`, at most `limit` bytes: more than the manifest says is
 * never written.
 *
 * @throws checksum when the bytes cannot be unpacked or are more than `limit`
 */
export async function unpack(
  source: string,
  target: string,
  compression: Compression,
  limit: number,
): Promise<Digest> {
  const tally = new Tally()
  const measured = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      tally.add(chunk)
      if (tally.bytes > limit) throw damaged(source, `it unpacks to more than ${limit} bytes`)
      yield chunk
    }
  }
  const input = createReadStream(source, { highWaterMark: chunkBytes })
  const output = createWriteStream(target, { flags: 'r+' })
  try {
    if (compression === 'none') await pipeline(input, measured, output)
    else await pipeline(input, decoder(compression), measured, output)
  } catch (error) {
    if (/^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(codeOf(error)))
      throw damaged(source, 'it cannot be unpacked', error)
    throw error
  }
  return tally.result()
}

const chunkBytes = 1_048_576
const frameBytes = 8 * 1_048_576
const framesAtOnce = 4

class Tally {
  bytes = 0
  readonly #hasher = new Bun.CryptoHasher('sha256')

  add(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength
    this.#hasher.update(chunk)
  }

  result(): Digest {
    return { bytes: this.bytes, sha256: this.#hasher.digest('hex') }
  }
}

async function* frames(input: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const frame = new Uint8Array(frameBytes)
    let filled = 0
    while (filled < frameBytes) {
      const { bytesRead } = await input.read(frame, filled, frameBytes - filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    if (filled > 0) yield frame.subarray(0, filled)
    if (filled < frameBytes) return
  }
}

const gzipFrame = promisify(gzip)

/** One frame (zstd, RFC 8878) or member (gzip, RFC 1952); one after another they are one valid file. */
async function compressFrame(frame: Uint8Array, compression: 'zstd' | 'gzip'): Promise<Uint8Array> {
  return compression === 'zstd' ? Bun.zstdCompress(frame, { level: 3 }) : gzipFrame(frame)
}

async function writeAll(output: FileHandle, data: Uint8Array): Promise<void> {
  for (let offset = 0; offset < data.byteLength; ) {
    const { bytesWritten } = await output.write(data, offset, data.byteLength - offset)
    offset += bytesWritten
  }
}

const decoder = (compression: 'zstd' | 'gzip'): Duplex =>
  compression === 'zstd' ? createZstdDecompress() : createGunzip()

function damaged(path: string, what: string, cause?: unknown): LatchkeyError {
  return new LatchkeyError(
    'checksum',
    `the backup ${path} is damaged: ${what}`,
    'find one that is sound with: latchkey backup verify --all',
    { cause },
  )
}
