/** Makes slugs from text. The rule for slugs is in `input.ts`. */

/** Lower-case letters and digits without accents, with single dashes between them; empty if nothing is left. */
export const slugOf = (text: string): string =>
  withoutAccents(text)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, longest)
    .replace(/-+$/, '')

const longest = 64

/** Letters without their accents. */
export const withoutAccents = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '')
