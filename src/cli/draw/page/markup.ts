/** HTML that escapes everything that is not markup from here. The only place that escapes. Pure. */
import { printable } from '../../terminal/printable.ts'

/** Text that is already HTML. Only `html` creates it. */
export class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

type Content = string | number | Markup | null | readonly Content[]

/** Values between the braces are escaped, for elements and for quoted attributes, unless they come from `html`. */
export const html = (strings: TemplateStringsArray, ...contents: readonly Content[]): Markup =>
  new Markup(String.raw({ raw: strings }, ...contents.map(rendered)))

function rendered(content: Content): string {
  if (content instanceof Markup) return content.toString()
  if (content === null) return ''
  if (typeof content === 'object') return content.map(rendered).join('')
  return Bun.escapeHTML(visible(String(content)))
}

/** HTML cannot contain control characters, so their pictures are shown. What is not seen is spelled, as on a terminal. */
const visible = (text: string): string =>
  printable(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    text.replace(/[\x00-\x1f\x7f-\x9f]/g, character => {
      const code = character.charCodeAt(0)
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421'
    }),
  )
