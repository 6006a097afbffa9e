/** How help is set: terms in one column, what they do beside them. No line is wider than it may be unless a word is. */
import { padded, widthOf } from '../terminal/width.ts'

const indent = '  '
/** What texts and indents take at least. */
const leastText = 28

/** Where texts begin: beside the longest term, but for terms that would leave them too little room. */
export function columnBeside(terms: readonly string[], width: number): number {
  const most = Math.min(32, Math.floor(width * 0.4), width - leastText)
  return Math.max(0, ...terms.map(widthOf).filter(term => term <= most))
}

/** A term and its text, folded. A term that is longer than the column has its text below it. */
export function helpItem(term: string, text: string, column: number, width: number): string {
  const at = column + 2 * indent.length
  const lines = wrapped(text, width - at).map(line => ' '.repeat(at) + line)
  if (widthOf(term) <= column)
    return `${indent}${padded(term, column)}${indent}${lines.join('\n').slice(at)}`.trimEnd()
  const isWide = indent.length + widthOf(term) > width
  const alone = isWide ? term.replace(/ (?=[<[])/, `\n${indent}${indent}`) : term
  return [indent + alone, ...lines].join('\n')
}

/** A label and its text, folded beside it. */
export function helpLine(label: string, text: string, width: number): string {
  const at = widthOf(label)
  return label + wrapped(text, width - at).join(`\n${' '.repeat(at)}`)
}

/** Lines at blanks. Words stay whole: most are options, files or values to type. */
const wrapped = (text: string, width: number): readonly string[] =>
  Bun.wrapAnsi(text, Math.max(1, width)).split('\n')
