/** Cuts a stream of bytes into whole lines of text. Buffers at most one chunk and the longest line. */

/** Whole lines of text. A line that is too long is a block of its own without its text. */
export type TextBlock =
  | {
      readonly kind: 'lines'
      /** Ends with a line break, except for the last of the file. */
      readonly text: string
      /** Whether parts were not UTF-8 and were replaced by U+FFFD. */
      readonly damaged: boolean
    }
  | { readonly kind: 'overlong' }

/** The longest row, in characters. */
export const longestRow = 1024 * 1024

/** Continues a sentence about a row. */
export const overlong = `is longer than ${longestRow / 1024 / 1024} MiB`

const lineBreak = 0x0a

export async function* textBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TextBlock> {
  let kept: Uint8Array[] = []
  let keptBytes = 0
  let skipping = false
  let isFirst = true
  const decode = (bytes: Uint8Array): TextBlock => {
    const mark = isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    isFirst = false
    return decoded(mark ? bytes.subarray(3) : bytes)
  }
  for await (const piece of chunks) {
    let chunk = piece
    if (skipping) {
      const end = chunk.indexOf(lineBreak)
      if (end < 0) continue
      chunk = chunk.subarray(end + 1)
      skipping = false
    }
    const end = chunk.lastIndexOf(lineBreak) + 1
    if (end > 0) {
      yield decode(Buffer.concat([...kept, chunk.subarray(0, end)]))
      kept = []
      keptBytes = 0
    }
    if (end < chunk.length) {
      // A copy, because the producer may reuse the chunk.
      kept.push(chunk.slice(end))
      keptBytes += chunk.length - end
    }
    if (keptBytes > longestRow) {
      yield { kind: 'overlong' }
      isFirst = false
      kept = []
      keptBytes = 0
      skipping = true
    }
  }
  if (keptBytes > 0) yield decode(Buffer.concat(kept))
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

function decoded(bytes: Uint8Array): TextBlock {
  try {
    return { kind: 'lines', text: strict.decode(bytes), damaged: false }
  } catch {
    return { kind: 'lines', text: lenient.decode(bytes), damaged: true }
  }
}
