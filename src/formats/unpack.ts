/** Decompresses `.gz` and `.zst` streams, recognised by name or first bytes. */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { LatchkeyError } from '../contract/errors.ts'
import { shellWord } from '../text/shell-word.ts'
import { type ByteCounter, counted, fileChunks, formatOfName, type RowFormat } from './rows.ts'

export interface Unpacked {
  readonly file: string
  readonly chunks: AsyncIterable<Uint8Array>
  /** The given format, or that of the name without its extension. */
  readonly format: RowFormat | undefined
}

/**
 * @param count called with the number of compressed bytes read
 * @throws as reading the file; invalid (cannot be decompressed), once it is read
 */
export function unpacked(
  file: string,
  chunks: AsyncIterable<Uint8Array> | undefined,
  format: RowFormat | undefined,
  count?: ByteCounter,
): Unpacked {
  const name = file.replace(/\.(gz|zst)$/i, '')
  const source: Source = { file, operand: chunks === undefined ? ` ${shellWord(file)}` : '' }
  const bytes = counted(chunks ?? fileChunks(file), count)
  const named =
    chunks === undefined ? packings.find(({ ending }) => file.toLowerCase().endsWith(ending)) : undefined
  return {
    file,
    chunks: named ? decompressed(source, bytes, named.packing) : asItBegins(source, bytes),
    format: format ?? formatOfName(name),
  }
}

type Packing = 'gzip' | 'zstd'

/** RFC 1952, 2.3.1, and RFC 8878, 3.1.1. No UTF-8 text begins like this. */
const packings: readonly { readonly packing: Packing; readonly ending: string; readonly magic: Buffer }[] = [
  { packing: 'gzip', ending: '.gz', magic: Buffer.from([0x1f, 0x8b]) },
  { packing: 'zstd', ending: '.zst', magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) },
]

/** The compression, by the first bytes. */
export const packingOf = (head: Uint8Array): Packing | undefined =>
  packings.find(({ magic }) => magic.equals(head.subarray(0, magic.length)))?.packing

/** What is read, and what the tools that check it are given. */
interface Source {
  readonly file: string
  readonly operand: string
}

async function* asItBegins(source: Source, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head = new Uint8Array()
  const rest = bytes[Symbol.asyncIterator]()
  try {
    while (head.length < longestMagic) {
      const { done, value } = await rest.next()
      if (done) break
      head = Buffer.concat([head, value])
    }
    const all = startingWith(head, { [Symbol.asyncIterator]: () => rest })
    const packing = packingOf(head)
    yield* packing === undefined ? all : decompressed(source, all, packing)
  } finally {
    await rest.return?.()
  }
}

const longestMagic = 4

async function* startingWith(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  yield* rest
}

async function* decompressed(
  { file, operand }: Source,
  chunks: AsyncIterable<Uint8Array>,
  packing: Packing,
): AsyncGenerator<Uint8Array> {
  try {
    yield* packing === 'gzip' ? gunzipped(chunks) : unzstandard(chunks)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof LatchkeyError || !/^(Z_|ZSTD_|ERR_)/.test(code ?? 'Z_')) throw error
    throw new LatchkeyError(
      'invalid',
      `${file} is damaged, or not compressed with ${packing}`,
      `check it with: ${packing} -t${operand}`,
      { cause: error },
    )
  }
}

async function* gunzipped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: false })
  const unpacker = createGunzip()
  source.on('error', error => unpacker.destroy(error))
  try {
    yield* source.pipe(unpacker) as AsyncIterable<Uint8Array>
  } finally {
    source.destroy()
    unpacker.destroy()
  }
}

/** Unlike node:zlib in Bun, this notices an end that is missing. */
const unzstandard = (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
  Readable.toWeb(Readable.from(chunks, { objectMode: false })).pipeThrough(new DecompressionStream('zstd'))
