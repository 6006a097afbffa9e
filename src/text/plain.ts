/** Whether people can read bytes: valid UTF-8 without control characters but tabs and line breaks. */
export function isText(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return !/[^\P{Cc}\t\n\r\f]/u.test(text)
  } catch {
    return false
  }
}

/**
 * Notices what no search for words can look into: data that is packed or encrypted, or a program. Of such bytes one in eleven
 * is a control character that texts do not have; blocks are small, so that one packed file in an archive is noticed too.
 */
export class OpaqueWatch {
  #head = ''
  #seen = 0
  #odd = 0
  #isOpaque = false

  see(chunk: Uint8Array): void {
    if (this.#head.length < 2) this.#head += Buffer.from(chunk.subarray(0, 2)).toString('latin1')
    for (let at = 0; at < chunk.length && !this.#isOpaque; ) {
      const end = Math.min(chunk.length, at + blockLength - this.#seen)
      this.#seen += end - at
      let odd = 0
      for (; at < end; at++) odd += oddBytes[chunk[at] ?? 0] ?? 0
      this.#odd += odd
      if (this.#seen === blockLength) this.#judge()
    }
  }

  /** UTF-16 with a byte order mark is text, in whatever language. */
  found(): boolean {
    this.#judge()
    return this.#isOpaque && !/^(?:\xff\xfe|\xfe\xff)/.test(this.#head)
  }

  #judge(): void {
    this.#isOpaque ||= this.#odd >= 4 && this.#odd * 24 > this.#seen
    this.#seen = 0
    this.#odd = 0
  }
}

const blockLength = 256

/** Not zeros, which UTF-16 and lists of names have, and not what terminals understand (7 to 13, and escape). */
const oddBytes = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte > 0 && byte < 0x20 && (byte < 7 || byte > 13) && byte !== 0x1b),
)
