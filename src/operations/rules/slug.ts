/** Makes slugs from text. The rule for slugs is in `input.ts`. */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import { parse, type Rule } from './input.ts'

/** The slug that a new thing gets by its name. @throws invalid (nothing is left of the name, or the rule refuses it) */
export function slugFor(noun: 'project' | 'org', name: string, rule: Rule<string>): string {
  const slug = slugOf(name)
  const hint = `give one: latchkey ${noun} create NAME --slug my-${noun} --owner USER`
  if (slug !== '') return parse(v.object({ slug: rule }), { slug }, hint).slug
  throw new LatchkeyError('invalid', `no slug can be made from the name "${name}"`, hint)
}

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
