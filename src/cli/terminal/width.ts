/**
 * Measures, cuts and folds text by the columns that it takes on a screen. Colours have no width, and characters that
 * are shown as one stay together. Pure: does not decide what is drawn.
 */

/** Columns of one line of text without colours. */
export const widthOf = (text: string): number => Bun.stringWidth(text)

/** The width of the widest text. */
export const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, widthOf(text)), 0)

/** Pads the text with blanks to a width. */
export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))

/**
 * The text, or its beginning and `ellipsis`, in at most `most` columns. Keeps all colour codes, so that none stays
 * open. Bun.sliceAnsi exceeds the limit if a wide character is at the edge, and Bun.wrapAnsi splits emoji.
 */
export function cut(text: string, most: number, ellipsis: string): string {
  if (widthOf(text) <= most) return text
  if (most < widthOf(ellipsis)) return ''
  const head = beginning(text, most - widthOf(ellipsis))
  return head + ellipsis + (text.slice(head.length).match(colours) ?? []).join('')
}

/**
 * Folds text into lines of at most `most` columns, at blanks, or within words that are too long. Ids, secrets and paths
 * are useless in parts, so they stay whole on a line of their own.
 */
export function fold(text: string, most: number): readonly string[] {
  if (text === '') return []
  if (widthOf(text) <= most) return [text]
  const lines: string[] = []
  let line = ''
  const end = (): void => {
    if (line !== '') lines.push(line)
    line = ''
  }
  for (const word of text.split(/ +/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= most) {
      line = longer
      continue
    }
    end()
    line = word
    while (!isWhole(word) && widthOf(line) > most) {
      const head = beginning(line, most) || (units(line)[0] ?? line)
      lines.push(head)
      line = line.slice(head.length)
    }
  }
  end()
  return lines
}

/** Whether a text is useless in parts: an id, a secret, a path or an address. */
const isWhole = (text: string): boolean => isToken(text) || /^(\/|[a-z][a-z0-9+.-]*:\/\/)\S+$/.test(text)

/** An id or a secret. It may not be shown again, and people copy it. */
export const isToken = (text: string): boolean => /^[A-Za-z0-9-]+[_-][0-9A-Za-z]{20,}$/.test(text)

/** As much as fits. */
function beginning(text: string, most: number): string {
  let taken = ''
  for (const unit of units(text)) {
    const longer = taken + unit
    // Together they may be narrower or wider than one by one.
    if (widthOf(longer) > most) break
    taken = longer
  }
  return taken
}

/** Colour codes, and characters that are shown as one. A sequence wider than two columns is shown as several. */
const units = (text: string): readonly string[] =>
  text.split(colour).flatMap(part => {
    if (part.startsWith('\x1b[')) return [part]
    return Array.from(graphemes(part), ({ segment }) => segment).flatMap(character =>
      widthOf(character) > 2 ? [...character] : [character],
    )
  })

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: colours begin with an escape
const colours = /\x1b\[[0-9;]*m/g
const colour = /(\x1b\[[0-9;]*m)/
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above
let segmenter: Intl.Segmenter | undefined

/** Created when first needed. */
function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}
