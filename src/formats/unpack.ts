/** Unpacks what is read as it streams by, as its name says: `.gz` and `.zst`. */
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { LatchkeyError } from '../contract/errors.ts'
import { type ByteCounter, counted, fileChunks, formatOfName, type RowFormat } from './rows.ts'

export interface Unpacked {
  readonly file: string
  readonly chunks: AsyncIterable<Uint8Array>
  /** As it was given, or as the name without its ending tells. */
  readonly format: RowFormat | undefined
}

/**
 * @param count told how many bytes have been read, packed as they are
 * @throws what reading the file throws; invalid for what cannot be unpacked, once it is read
 */
export function unpacked(
  file: string,
  chunks: AsyncIterable<Uint8Array> | undefined,
  format: RowFormat | undefined,
  count?: ByteCounter,
): Unpacked {
  const name = file.replace(/\.(gz|zst)$/i, '')
  const bytes = counted(chunks ?? fileChunks(file), count)
  const packing = chunks === undefined ? file.slice(name.length).toLowerCase() : ''
  return {
    file,
    chunks: packing === '' ? bytes : decompressed(file, bytes, packing === '.gz' ? 'gzip' : 'zstd'),
    format: format ?? formatOfName(name),
  }
}

async function* decompressed(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  packing: 'gzip' | 'zstd',
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: false })
  const unpacker = packing === 'gzip' ? createGunzip() : createZstdDecompress()
  source.on('error', error => unpacker.destroy(error))
  try {
    yield* source.pipe(unpacker) as AsyncIterable<Uint8Array>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof LatchkeyError || !/^(Z_|ZSTD_|ERR_)/.test(code ?? 'Z_')) throw error
    throw new LatchkeyError(
      'invalid',
      `${file} is damaged, or not packed with ${packing}`,
      `look at it with: ${packing} -t ${file}`,
      { cause: error },
    )
  } finally {
    source.destroy()
    unpacker.destroy()
  }
}
