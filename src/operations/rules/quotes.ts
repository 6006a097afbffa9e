/** Text of others in messages. It must not move the cursor of a terminal, and no secret may be read in it. */
import { type IdPrefix, looksLikeId } from './ids.ts'

export const printable = (text: string): string => text.replace(/[^\x20-\x7e\u00a0-\uffff]/g, '?')

/** A selector, cut if part of it is long enough to be a secret. Ids and most email addresses are shown. */
export function quotedSelector(selector: string, prefix: IdPrefix): string {
  const text = printable(selector)
  const isCut = text.length > 64 || (/[^\s@.]{20,}/.test(text) && !looksLikeId(text.toLowerCase(), prefix))
  return isCut ? `"${text.slice(0, 8)}…"` : `"${text}"`
}
