/** Pieces of Markdown that both pages of the reference use. */

/** A column is as wide as its cells, up to this: one long cell would make every row of the text too long to read. */
const mostWidth = 60

/** An aligned table. Columns that are empty in every row are left out. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = titles.flatMap((title, column) => {
    const cells = rows.map(row => (row[column] ?? '').replaceAll('|', '\\|'))
    if (cells.every(cell => cell === '')) return []
    const width = Math.min(mostWidth, Math.max(3, title.length, ...cells.map(cell => cell.length)))
    return [[title, '-'.repeat(width), ...cells].map(cell => cell.padEnd(width))]
  })
  const lines = ['', '', ...rows].map((_, line) => columns.map(column => column[line]).join(' | '))
  return lines.map(line => `| ${line} |`).join('\n')
}

export const code = (text: string): string => `\`${text}\``

/** A link to a heading, with the anchor that GitHub gives it. */
export function linkTo(heading: string, page = ''): string {
  return `[${heading}](${page}#${anchor(heading)})`
}

export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')
}

export const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``

/** Paragraphs, tables and headings, separated by empty lines. Undefined ones are left out. */
export function page(parts: readonly (string | undefined)[]): string {
  return `${parts.filter(part => part !== undefined && part !== '').join('\n\n')}\n`
}

/** The first line of a generated page. */
export const generated =
  '<!-- Written by `bun run docs` from the declarations in src/. Change those, not this page. -->'
