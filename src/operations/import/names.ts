/** Names for what is imported: unique whatever their case, as the operator would have to choose them. */
import { slugOf, withoutAccents } from '../rules/slug.ts'

export interface NameStyle {
  /** Characters. */
  readonly longest: number
  /** What the nth thing of one name is called by. */
  readonly suffix: (n: number) => string
}

/** `name (2)`, for keys. */
export const titles: NameStyle = { longest: 100, suffix: n => ` (${n})` }
/** `name-2`, for usernames and slugs. */
export const handles: NameStyle = { longest: 64, suffix: n => `-${n}` }

/** The names in use, as they change while an import is planned. */
export class Names {
  readonly #style: NameStyle
  /** Folded. */
  readonly #taken: Set<string>
  /** Folded name -> the number to try next, so that a thousand equal names take a thousand tries, not a million. */
  readonly #next = new Map<string, number>()

  constructor(style: NameStyle, taken: Iterable<string>) {
    this.#style = style
    this.#taken = new Set([...taken].map(fold))
  }

  /** Takes the name, or else the first free one of its numbered forms from 2. */
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
    // Not through the middle of a character outside the basic plane.
    const room = name.slice(0, this.#style.longest - suffix.length).replace(/[\ud800-\udbff]$/, '')
    return room.trimEnd() + suffix
  }
}

/** Folds more than SQLite's lower(), which knows ASCII only: what is equal there is equal here. */
export const fold = (name: string): string => name.normalize('NFC').toLowerCase()

/** A slug of the text, `fallback` when none of it can stand in one. */
// Ids of projects have an underscore, so a slug is never one.
export const slugFrom = (text: string, fallback: string): string => slugOf(text) || fallback

/** A username of the text, `fallback` when none of it can stand in one. */
export function usernameFrom(text: string, fallback: string): string {
  const name = withoutAccents(text)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/^usr_/i, 'usr-')
    .slice(0, handles.longest)
    .replace(/-+$/, '')
  return name === '' ? fallback : name
}
