/**
 * Makes foreign text safe to show on a terminal. Stored text must not move the cursor, rewrite the screen, change
 * colours, hide or reverse the reading direction. Not for data formats, which escape by themselves.
 */

/**
 * Control characters, and all that is not seen or changes how others are read. Those that emoji and scripts need stay where
 * they have an effect (unicode.org/reports/tr51; unicode.org/reports/tr31, "Contextual Layout Controls"). Built when it is
 * needed, because most runs only print ASCII.
 */
function unsafe(): RegExp {
  // Letters of scripts in which joiners change how they are written.
  const joining =
    /[[\p{L}\p{M}]--[\p{scx=Latin}\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{sc=Zinh}]]/v
      .source
  const emoji = String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d\p{Extended_Pictographic}`
  const parts = [
    // Control characters, line and paragraph separators, and marks of annotations, which terminals do not draw.
    /[[\p{Cc}\p{Zl}\p{Zp}\ufff9-\ufffb]--[\n\t]]/v,
    // Direction marks, tags, fillers.
    /[\p{Default_Ignorable_Code_Point}--[\u200c\u200d\p{Variation_Selector}]]/v,
    // Variants of emoji, keycaps, ideographs, signs and letters.
    /(?<!\p{Extended_Pictographic})(?!(?<=[#*0-9])\ufe0f\u20e3)[\ufe0e\ufe0f]/v,
    /(?<![\p{Ideographic}\p{Sm}\p{sc=Mymr}\p{sc=Phag}])[\ufe00-\ufe0d\u{e0100}-\u{e01ef}]/v,
    /(?<!\p{sc=Mong})[\u180b-\u180d\u180f]/v,
    // Joiners.
    new RegExp(`(?<!${joining})(?!${emoji})[\\u200c\\u200d]`, 'v'),
  ]
  return new RegExp(parts.map(({ source }) => source).join('|'), 'gv')
}

let known: RegExp | undefined

/** The flags that are written with tags, such as that of Scotland. */
const flags = /(\p{RGI_Emoji_Tag_Sequence})/v

const plain = /^[\n\t\x20-\x7e]*$/

/** Text of several lines. Line breaks and tabs stay; all other control characters are written as `\x1b`. */
export function printable(text: string): string {
  if (plain.test(text)) return text
  known ??= unsafe()
  const found = known
  const parts = text.toWellFormed().split(flags)
  return parts.map((part, at) => (at % 2 === 1 ? part : part.replace(found, spelled))).join('')
}

/** One line. Line breaks and tabs are escaped too. */
export const printableLine = (text: string): string => oneLine(printable(text))

/** Escapes line breaks and tabs; colours stay. */
export const oneLine = (text: string): string => text.replaceAll('\n', '\\n').replaceAll('\t', '\\t')

/** A value with all its text made printable, so that it can be drawn safely. */
export function harmless<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T
  if (Array.isArray(value)) return value.map(harmless) as T
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [printable(name), harmless(each)]),
  ) as T
}

function spelled(character: string): string {
  if (character === '\r') return '\\r'
  const code = (character.codePointAt(0) ?? 0).toString(16)
  if (code.length <= 2) return `\\x${code.padStart(2, '0')}`
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\u{${code}}`
}
