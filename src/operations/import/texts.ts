/** Keeps secrets out of what an import stores: those of ours, and those of the source, in whatever text of it they are. */
import type { ForeignKey } from '../../formats/foreign-data.ts'
import { textsOf } from '../rules/input.ts'
import { holdsSecret as holdsOurs } from '../rules/scan.ts'
import { hashSecret } from '../rules/secrets.ts'
import type { Fields } from './nouns.ts'

/** Shorter secrets occur in ordinary words by chance. */
const shortestTold = 8

/** What may be between a secret and other words: no secret begins or ends with the first, and few have one of the second. */
const separators = [/[\s,;:'"()[\]{}<>=|]+/, /[^A-Za-z0-9_-]+/]

/** The secrets of a source. */
export class SourceSecrets {
  /** SHA-256 of each. */
  readonly hashes: ReadonlySet<string>

  constructor(keys: readonly ForeignKey[]) {
    const all = keys.map(({ credential }) =>
      'secret' in credential ? credential.secret && hashSecret(credential.secret) : credential.hash,
    )
    this.hashes = new Set(all.filter(hash => hash !== ''))
  }

  /**
   * Whether a text in the value, or a word of one, is a secret: of ours or of the source.
   *
   * @param key its secret is also found within words
   */
  areIn(value: unknown, key?: ForeignKey): boolean {
    const own = key && 'secret' in key.credential ? key.credential.secret : ''
    return textsOf(value).some(
      text =>
        holdsOurs(text) ||
        (own.length >= shortestTold && text.includes(own)) ||
        (this.hashes.size > 0 && wordsIn(text).some(word => this.hashes.has(hashSecret(word)))),
    )
  }

  /**
   * Divides the fields of a thing into what can be stored and what cannot.
   *
   * @param fields by the names that people know
   * @param spare those that may be left out
   */
  sift<F extends Fields>(fields: F, spare: readonly string[], key?: ForeignKey): Sifted<F> {
    const holding = Object.keys(fields).filter(name => this.areIn(fields[name], key))
    const needed = holding.find(name => !spare.includes(name))
    return {
      refusal:
        needed === undefined
          ? null
          : `its ${needed} holds a secret, and secrets are never stored: change it there first`,
      fields: { ...fields, ...Object.fromEntries(holding.map(name => [name, null])) },
      remarks: holding.map(name => `its ${name} holds a secret, and is left out`),
    } as Sifted<F>
  }
}

interface Sifted<F> {
  /** Why nothing of it can be stored; null if it can. */
  readonly refusal: string | null
  /** Those that are left out are null. */
  readonly fields: { readonly [N in keyof F]: F[N] | null }
  /** What was left out, one part of a sentence each. */
  readonly remarks: readonly string[]
}

/** The whole text, and the words in it that are long enough. */
function wordsIn(text: string): readonly string[] {
  const words = separators.flatMap(each => text.split(each)).filter(word => word.length >= shortestTold)
  return [...new Set([text.trim(), ...words])].filter(word => word !== '')
}
