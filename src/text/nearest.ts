/** Suggests the word that was probably meant. Suggestions are only shown, never acted on. */

/** The candidate closest to `word`; undefined if none is close enough. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  const tolerated = Math.max(1, Math.floor(Math.min(word.length, best?.length ?? 0) * 0.4))
  if (bestDistance <= tolerated) return best
  // The start of a word also counts, if only one candidate begins like that.
  const longer = candidates.filter(candidate => candidate.startsWith(word))
  return word.length >= 3 && longer.length === 1 ? longer[0] : undefined
}

/** The field that was probably meant: another spelling of its name (`input_tokens`), its name elsewhere, or a near miss. */
export function nearestField(typed: string, known: readonly string[]): string | undefined {
  const name = bare(typed)
  const others = otherFields.get(name) ?? []
  return (
    known.find(each => bare(each) === name) ??
    others.find(each => known.includes(each)) ??
    nearest(typed, known)
  )
}

const bare = (name: string): string => name.toLowerCase().replaceAll(/[^a-z]/g, '')

/** Names in the APIs of OpenAI, Anthropic and Gemini, in gateways and in logs, without separators. */
const otherFields = new Map<string, readonly string[]>([
  ['prompttokens', ['inputTokens']],
  ['prompttokencount', ['inputTokens']],
  ['completiontokens', ['outputTokens']],
  ['candidatestokencount', ['outputTokens']],
  ['generatedtokens', ['outputTokens']],
  ['totaltokens', ['tokens']],
  ['maxtokens', ['tokens']],
  ['cost', ['costUsd', 'usd']],
  ['costusd', ['usd']],
  ['totalcost', ['costUsd', 'usd']],
  ['spend', ['costUsd', 'usd']],
  ['dollars', ['usd', 'costUsd']],
  ['usd', ['costUsd']],
  ['time', ['at']],
  ['timestamp', ['at']],
  ['ts', ['at']],
  ['date', ['at']],
  ['createdat', ['at']],
  ['apikey', ['secret', 'key']],
  ['token', ['secret']],
  ['keyid', ['key']],
  ['keyname', ['key']],
  ['requestid', ['id']],
  ['eventid', ['id']],
  ['count', ['requests']],
  ['modelname', ['model']],
  ['modelid', ['model']],
  ['scopes', ['scope']],
  ['timeout', ['timeoutMs']],
  ['ttl', ['timeoutMs']],
])

/** Added to a sentence about an unknown word. */
export const didYouMean = (close: string | undefined): string =>
  close === undefined ? '' : ` (did you mean ${close}?)`

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, substituted)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforeLast, j - 2) + 1)
      }
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY
