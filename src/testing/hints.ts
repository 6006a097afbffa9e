/** Checks that the next step of an error can be typed. For tests only. */

import { tree } from '../cli/commands/tree.ts'
import { readCommandLine } from '../cli/line/program.ts'
import { splitWords } from './words.ts'

/** The problems of the commands of this program in a text. */
export async function hintProblems(text: string): Promise<readonly string[]> {
  const problems: string[] = []
  for (const line of commandLines(text)) {
    const invocation = await readCommandLine(splitWords(line), tree, { version: '0', width: 80 })
    if (invocation.kind === 'refused') {
      const { message } = invocation.error as Error
      problems.push(`"${text}" names latchkey ${line}: ${message}`)
    }
  }
  return problems
}

/** Each ends where prose continues. */
const commandLines = (text: string): readonly string[] =>
  [...text.matchAll(/(?<![\w./-])latchkey ((?:--)?[a-z][^\n]*)/g)].flatMap(([, rest = '']) => {
    const [line = ''] = rest.split(
      /,? (?:or|and|then|again|where|shows?|lists?|gives?|to|if|with|takes|names)\b|[,;]| \(|\. | (?:- )?</,
    )
    const next = rest.slice(line.length)
    return [line.trim().replace(/[.:]$/, ''), ...commandLines(next)].filter(each => each !== '')
  })
