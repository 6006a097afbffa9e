/** Chooses names for imported things that are unique regardless of case. */
import { slugOf, withoutAccents } from '../rules/slug.ts'

export interface NameStyle {
  /** Characters. */
  readonly longest: number
  /** The suffix of the nth thing with the same name. */
  readonly suffix: (n: number) => string
}

/** `name (2)`, for keys. */
export const titles: NameStyle = { longest: 100, suffix: n => ` (${n})` }
/** `name-2`, for usernames and slugs. */
export const handles: NameStyle = { longest: 64, suffix: n => `-${n}` }

/** The names in use while an import is planned. */
export class Names {
  readonly #style: NameStyle
  /** Folded. */
  readonly #taken: Set<string>
  /** Folded name -> the number to try next, so that a thousand equal names need a thousand tries, not a million. */
  readonly #next = new Map<string, number>()

  constructor(style: NameStyle, taken: Iterable<string>) {
    this.#style = style
    this.#taken = new Set([...taken].map(fold))
  }

  /** Takes the name, or its first free numbered form from 2. */
  take(name: string): string {
    let candidate = name
    const folded = fold(name)
    for (let n = this.#next.get(folded) ?? 2; this.#taken.has(fold(candidate)); n++) {
      candidate = this.#numbered(name, n)
      this.#next.set(folded, n + 1)
    }
    this.#taken.add(fold(candidate))
    return candidate
  }

  has(name: string): boolean {
    return this.#taken.has(fold(name))
  }

  free(name: string): void {
    this.#taken.delete(fold(name))
  }

  #numbered(name: string, n: number): string {
    const suffix = this.#style.suffix(n)
    // Never cut a surrogate pair.
    const room = name.slice(0, this.#style.longest - suffix.length).replace(/[\ud800-\udbff]$/, '')
    return room.trimEnd() + suffix
  }
}

/** Folds more than SQLite's lower(), which handles only ASCII, so names that are equal there are equal here. */
export const fold = (name: string): string => name.normalize('NFC').toLowerCase()

/** A slug made from the text, or `fallback` if it has no usable characters. */
// Project ids have an underscore, so a slug never looks like an id.
export const slugFrom = (text: string, fallback: string): string => slugOf(text) || fallback

/** A username made from the text, or `fallback` if it has no usable characters. */
export function usernameFrom(text: string, fallback: string): string {
  const name = withoutAccents(text)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/^usr_/i, 'usr-')
    .slice(0, handles.longest)
    .replace(/-+$/, '')
  return name === '' ? fallback : name
}
