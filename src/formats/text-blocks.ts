/** Cuts a stream of bytes into whole lines of text. Must never hold more than one chunk and the longest line. */

/** Whole lines as text; a line that is too long to keep is a block of its own without its text. */
export type TextBlock =
  | {
      readonly kind: 'lines'
      /** Ends with a line break, but for the last of the file. */
      readonly text: string
      /** Whether some of it was not UTF-8: U+FFFD stands there instead. */
      readonly damaged: boolean
    }
  | { readonly kind: 'overlong' }

/** Longest row, in characters: a longer one is a problem. */
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
      // A copy: whoever gave the chunk may fill it again.
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
