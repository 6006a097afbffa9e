/**
 * Draws what a terminal shows as SVG. Every piece of text has its place on the grid and its length in cells, so columns
 * align whatever font a reader has. Bars are rectangles: no font leaves gaps in them.
 */
import { type IBufferCell, type IBufferLine, Terminal } from '@xterm/headless'

export type Theme = 'light' | 'dark'

/** Close to GitHub's own themes, and dark or light enough to read as text. The palette is in the order of ANSI. */
const themes = {
  light: {
    palette: ['#24292f', '#c7254e', '#116329', '#7d4e00', '#0550ae', '#7a3dc4', '#1b6e75', '#57606a'],
    text: '#1f2328',
    quiet: '#59636e',
    page: '#f6f8fa',
    edge: '#d1d9e0',
  },
  dark: {
    palette: ['#8b949e', '#ff7b72', '#4ac35f', '#d9a62e', '#6cb0ff', '#c297ff', '#3fc7d0', '#b1bac4'],
    text: '#e6edf3',
    quiet: '#9198a1',
    page: '#0d1117',
    edge: '#3d444d',
  },
} as const

const fonts =
  "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
const cell = { width: 8.4, height: 20 }
const padding = 20

/** @param written what a program wrote to a terminal of so many columns, with its escapes */
export async function terminalSvg(
  written: string,
  columns: number,
  theme: Theme,
  title: string,
): Promise<string> {
  const { page, edge, text } = themes[theme]
  const lines = await shownOn(columns, written)
  const width = round(columns * cell.width) + 2 * padding
  const height = lines.length * cell.height + 2 * padding
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${Bun.escapeHTML(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${edge}"/>`,
    `<rect x="1" y="1" width="${width - 2}" height="${height - 2}" rx="7" fill="${page}"/>`,
    `<g font-family="${fonts}" font-size="14" fill="${text}">`,
    ...lines.flatMap((line, y) =>
      piecesOf(line, columns, theme).map(piece => drawn(piece, padding + y * cell.height)),
    ),
    '</g>',
    '</svg>',
  ].join('\n')}\n`
}

/** The lines down to the last with something on it. */
async function shownOn(cols: number, written: string): Promise<readonly IBufferLine[]> {
  const terminal = new Terminal({ cols, rows: 60, allowProposedApi: true })
  await new Promise<void>(resolve => terminal.write(written, resolve))
  const { active } = terminal.buffer
  const lines = Array.from({ length: active.length }, (_, y) => active.getLine(y)).filter(
    line => line !== undefined,
  )
  return lines.slice(0, lines.findLastIndex(line => line.translateToString(true) !== '') + 1)
}

interface Piece {
  readonly x: number
  readonly text: string
  readonly style: string
}

/** Words of one style with single spaces between them. */
function piecesOf(line: IBufferLine, columns: number, theme: Theme): readonly Piece[] {
  const pieces: Piece[] = []
  let [x, text, style] = [0, '', '']
  const end = () => {
    const start = x + text.length - text.trimStart().length
    if (text.trim() !== '') pieces.push({ x: start, text: text.trim(), style })
    text = ''
  }
  for (let at = 0; at < columns; at++) {
    const here = line.getCell(at)
    if (here === undefined) break
    const next = styleOf(here, theme)
    if (next !== style || text.endsWith('  ')) {
      end()
      x = at
      style = next
    }
    text += here.getChars() || ' '
  }
  end()
  return pieces
}

function styleOf(here: IBufferCell, theme: Theme): string {
  const { palette, quiet } = themes[theme]
  const fill = here.isFgPalette() ? palette[here.getFgColor() % 8] : here.isDim() ? quiet : undefined
  return `${fill === undefined ? '' : ` fill="${fill}"`}${here.isBold() ? ' font-weight="600"' : ''}`
}

function drawn({ x, text, style }: Piece, top: number): string {
  const left = round(padding + x * cell.width)
  const filled = [...text].map(eighths)
  if (filled.every(width => width > 0)) {
    const width = round((filled.reduce((sum, width) => sum + width, 0) / 8) * cell.width)
    const quieter = style === '' ? ' opacity="0.7"' : style
    return `<rect x="${left}" y="${top + 3}" width="${width}" height="${cell.height - 6}"${quieter}/>`
  }
  const length = round(text.length * cell.width)
  return `<text x="${left}" y="${top + 15}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${style}>${Bun.escapeHTML(text)}</text>`
}

/** How much of its cell a block such as ▋ fills; 0 for any other character. */
const eighths = (character: string): number => '▏▎▍▌▋▊▉█'.indexOf(character) + 1

const round = (size: number): number => Math.round(size * 100) / 100
