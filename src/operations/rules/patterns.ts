/** Patterns for names, in allowed models and prices: `*` stands for any number of characters. */

/** Whether a name matches a pattern. */
export function matches(pattern: string, name: string): boolean {
  const star = pattern.indexOf('*')
  // Most patterns of a long list fail here.
  if (star < 0 || !name.startsWith(pattern.slice(0, star))) return pattern === name
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop() ?? ''
  if (!name.endsWith(last) || name.length < first.length + last.length) return false
  let from = first.length
  for (const part of rest) {
    const found = name.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  return from <= name.length - last.length
}
