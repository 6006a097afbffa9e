/**
 * Measures, cuts and folds text by the columns that it takes on a screen. Colours have no width; characters that
 * are shown as one stay together. Pure: decides nothing about what is drawn.
 */

/** Columns of one line of text, its colours left out. */
export const widthOf = (text: string): number => Bun.stringWidth(text)

/** The width of the widest. */
export const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, widthOf(text)), 0)

/** The text with blanks behind it up to a width. */
export const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)))

/**
 * The text, or its beginning and `ellipsis` in `most` columns; every colour in it is kept, so none stays open.
 * Bun.sliceAnsi goes one over where the edge meets a wide character, and Bun.wrapAnsi takes emoji apart.
 */
export function cut(text: string, most: number, ellipsis: string): string {
  if (widthOf(text) <= most) return text
  if (most < widthOf(ellipsis)) return ''
  const head = beginning(text, most - widthOf(ellipsis))
  return head + ellipsis + (text.slice(head.length).match(colours) ?? []).join('')
}

/**
 * Lines of at most `most` columns, folded at blanks, and within a word where one is too long. Ids, secrets and
 * paths are of no use in pieces: they get a line of their own and stay whole, however long.
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

/** Whether a text is of no use in part: an id, a secret, a path or an address. */
const isWhole = (text: string): boolean => isToken(text) || /^(\/|[a-z][a-z0-9+.-]*:\/\/)\S+$/.test(text)

/** An id or a secret: it may not be shown again, and is copied from where it is. */
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

/** Colours, and what is shown as one character: no more than two columns, or it is shown as several. */
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

/** Made when first needed. */
function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}
