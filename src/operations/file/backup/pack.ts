/**
 * Compresses, encrypts and hashes a backup in one pass, and unpacks it again. Several frames are compressed at once. The
 * result can be read without Latchkey: `age -d`, `zstd -d` or `gunzip`, then sqlite3.
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGunzip, createZstdDecompress, gzip } from 'node:zlib'
import { codeOf } from '../../../contract/failure.ts'
import type { Compression } from '../../../contract/views.ts'
import { damaged } from './damaged.ts'
import { decrypt, encrypt } from './encrypt.ts'

/** How a backup is compressed and encrypted. */
export interface Packing {
  readonly compression: Compression
  readonly encrypted: boolean
}

const extensions: Readonly<Record<Compression, string>> = { none: '.db', zstd: '.db.zst', gzip: '.db.gz' }

/** The file extension of a backup. */
export const extensionOf = ({ compression, encrypted }: Packing): string =>
  `${extensions[compression]}${encrypted ? '.age' : ''}`

export interface Digest {
  readonly bytes: number
  /** SHA-256 in hex. */
  readonly sha256: string
}

type Chunks = AsyncIterable<Uint8Array>
type Counter = (bytes: number) => void

/** Hashes a stream. */
export async function digest(chunks: Chunks, count?: Counter): Promise<Digest> {
  const tally = new Tally(count)
  for await (const chunk of chunks) tally.add(chunk)
  return tally.result()
}

/** Hashes a file. It must not be open as a database in this process. */
export const digestFile = (path: string, count?: Counter): Promise<Digest> =>
  digest(createReadStream(path, { highWaterMark: chunkBytes }), count)

export interface Pack {
  readonly compression: Compression
  /** Age recipients; none to leave the backup unencrypted. */
  readonly recipients: readonly string[]
  /** Called with the bytes read so far. */
  readonly count?: Counter | undefined
}

/** Packs `source` into the existing empty file `target`; both are hashed in the same pass. */
export async function pack(
  source: string,
  target: string,
  { compression, recipients, count }: Pack,
): Promise<{ readonly raw: Digest; readonly packed: Digest }> {
  const raw = new Tally(count)
  const packed = new Tally()
  await using input = await open(source, 'r')
  await using output = await open(target, 'r+')
  const compressed = compress(input, raw, compression)
  const chunks = recipients.length === 0 ? compressed : encrypt(compressed, recipients)
  for await (const chunk of measured(chunks, packed)) await writeAll(output, chunk)
  return { raw: raw.result(), packed: packed.result() }
}

export interface Unpack extends Packing {
  /** Age identity file, for an encrypted backup. */
  readonly identityFile?: string | undefined
  /** Most bytes to write. More than the manifest says would be a decompression bomb. */
  readonly limit: number
  readonly count?: Counter | undefined
}

/**
 * Unpacks `source` into the existing empty file `target`; both are hashed in the same pass.
 *
 * @param name of the backup, for errors
 * @throws checksum (cannot be unpacked, or more bytes than the limit), config (no identity opens it)
 */
export async function unpack(
  source: Chunks,
  target: string,
  name: string,
  { compression, encrypted, identityFile, limit, count }: Unpack,
): Promise<{ readonly raw: Digest; readonly packed: Digest }> {
  const raw = new Tally()
  const packed = new Tally(count)
  const arrived = measured(source, packed)
  await using output = await open(target, 'r+')
  const write = async (chunks: Chunks) => {
    for await (const chunk of measured(chunks, raw)) {
      if (raw.bytes > limit) throw damaged(name, `it unpacks to more than ${limit} bytes`)
      await writeAll(output, chunk)
    }
  }
  try {
    const opened = encrypted ? decrypt(arrived, identityFile, name) : arrived
    if (compression === 'none') await write(opened)
    else await pipeline(opened, decoder(compression), write)
  } catch (error) {
    if (/^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(codeOf(error)))
      throw damaged(name, 'it cannot be unpacked', { cause: error })
    throw error
  }
  return { raw: raw.result(), packed: packed.result() }
}

const chunkBytes = 1_048_576
const frameBytes = 8 * 1_048_576
const framesAtOnce = 4

class Tally {
  bytes = 0
  readonly #hasher = new Bun.CryptoHasher('sha256')
  readonly #count: Counter | undefined

  constructor(count?: Counter) {
    this.#count = count
  }

  add(chunk: Uint8Array): void {
    this.bytes += chunk.byteLength
    this.#hasher.update(chunk)
    this.#count?.(this.bytes)
  }

  result(): Digest {
    return { bytes: this.bytes, sha256: this.#hasher.digest('hex') }
  }
}

async function* measured(chunks: Chunks, tally: Tally): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    tally.add(chunk)
    yield chunk
  }
}

/** Fills one buffer after another; the last may be shorter. */
async function* frames(input: FileHandle, buffer: () => Uint8Array): AsyncGenerator<Uint8Array> {
  for (;;) {
    const frame = buffer()
    let filled = 0
    while (filled < frame.length) {
      const { bytesRead } = await input.read(frame, filled, frame.length - filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    if (filled > 0) yield frame.subarray(0, filled)
    if (filled < frame.length) return
  }
}

/** Yields frames in order while the next ones are compressed. */
async function* compress(
  input: FileHandle,
  raw: Tally,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    // The consumer may keep a chunk, so each has its own buffer.
    return yield* measured(
      frames(input, () => new Uint8Array(chunkBytes)),
      raw,
    )
  }
  // A buffer is reused only after its frame has been compressed.
  const buffers = Array.from({ length: framesAtOnce }, () => new Uint8Array(frameBytes))
  let next = 0
  const buffer = () => buffers[next++ % framesAtOnce] as Uint8Array
  const queue: Promise<Uint8Array>[] = []
  try {
    for await (const frame of measured(frames(input, buffer), raw)) {
      queue.push(compressFrame(frame, compression))
      if (queue.length < framesAtOnce) continue
      const done = await queue.shift()
      if (done) yield done
    }
    while (queue.length > 0) {
      const done = await queue.shift()
      if (done) yield done
    }
  } finally {
    await Promise.allSettled(queue)
  }
}

const gzipFrame = promisify(gzip)

/** One frame (zstd, RFC 8878) or member (gzip, RFC 1952). Concatenated, they are a valid file. */
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
  compression === 'zstd'
    ? createZstdDecompress({ chunkSize: chunkBytes })
    : createGunzip({ chunkSize: chunkBytes })
