/** For tests only. */

/** The reader of a stream of bytes, whichever of the global types it has. */
interface ByteReader {
  readonly read: () => Promise<{ readonly value?: Uint8Array | undefined; readonly done: boolean }>
}

/** What comes up to the end of a line: a chunk may be empty, or hold a part of it. Throws if the stream ends first. */
export async function nextLine(reader: ByteReader): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  while (!text.endsWith('\n')) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the stream ended after ${JSON.stringify(text)}`)
    text += decoder.decode(value, { stream: true })
  }
  return text
}

/** The same of a stream of which nothing more is read, and which stays open. */
export const firstLine = (stream: ReadableStream<Uint8Array>): Promise<string> => nextLine(stream.getReader())
