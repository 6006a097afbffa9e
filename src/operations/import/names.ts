/** Names for imported keys: unique whatever their case, as the operator would have to choose them. */

const longestName = 100

/** The names in use, as they change while an import is planned. */
export class Names {
  /** Folded. */
  readonly #taken: Set<string>
  /** Folded name -> the number to try next, so that a thousand equal names take a thousand tries, not a million. */
  readonly #next = new Map<string, number>()

  constructor(taken: Iterable<string>) {
    this.#taken = new Set([...taken].map(fold))
  }

  /** Takes the name, or else the first free one of `name (2)`, `name (3)`, … */
  take(name: string): string {
    let candidate = name
    const folded = fold(name)
    for (let n = this.#next.get(folded) ?? 2; this.#taken.has(fold(candidate)); n++) {
      candidate = numbered(name, n)
      this.#next.set(folded, n + 1)
    }
    this.#taken.add(fold(candidate))
    return candidate
  }

  free(name: string): void {
    this.#taken.delete(fold(name))
  }
}

/** Folds more than SQLite's lower(), which knows ASCII only: what is equal there is equal here. */
const fold = (name: string): string => name.toLowerCase()

function numbered(name: string, n: number): string {
  const suffix = ` (${n})`
  // Not through the middle of a character outside the basic plane.
  const room = name.slice(0, longestName - suffix.length).replace(/[\ud800-\udbff]$/, '')
  return room.trimEnd() + suffix
}
