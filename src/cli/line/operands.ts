/** Separates words from options before it is known whose options they are. Never fails. */
import { dashed, globalFlags } from './flags.ts'

/**
 * The words that are neither options nor values of options.
 *
 * @param own options of the command that take a value, in addition to the global ones
 */
export function operandsOf(words: readonly string[], own: readonly string[] = []): readonly string[] {
  const takes = new Set([
    ...own,
    ...globalFlags.filter(flag => flag.placeholder).flatMap(flag => spellings(flag.name, flag)),
  ])
  const found: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word.startsWith('-') && word !== '-') {
      if (takes.has(word)) at++
    } else found.push(word)
  }
  return found
}

/** The spellings of an option: `--db`, or `--output` and `-o`. */
export const spellings = (name: string, { short }: { readonly short?: string }): readonly string[] =>
  short === undefined ? [dashed(name)] : [dashed(name), `-${short}`]
