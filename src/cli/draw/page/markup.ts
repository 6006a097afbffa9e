/**
 * HTML that cannot be broken by what is put into it: whatever is not markup made here is escaped, in this one place.
 * Pure.
 */

/** Text that is HTML already. Only `html` makes it. */
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

/** Everything between the braces is text, for elements and for quoted attributes alike, unless `html` made it. */
export const html = (strings: TemplateStringsArray, ...contents: readonly Content[]): Markup =>
  new Markup(String.raw({ raw: strings }, ...contents.map(rendered)))

function rendered(content: Content): string {
  if (content instanceof Markup) return content.toString()
  if (content === null) return ''
  if (typeof content === 'object') return content.map(rendered).join('')
  return Bun.escapeHTML(visible(String(content)))
}

/** Control characters are none that HTML may hold: their pictures stand for them. */
const visible = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  text.replace(/[\x00-\x1f\x7f-\x9f]/g, character => {
    const code = character.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421'
  })
