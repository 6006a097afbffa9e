/** What the commands of all nouns have in common: `show`, `delete`, and how a change of one reads. Decides nothing. */
import { toJson } from '../../contract/json.ts'
import { type LimitedNoun, labelOf, type Noun, nouns } from '../../contract/nouns.ts'
import type { ObjectShape } from '../../contract/shape.ts'
import type { WithUse } from '../../contract/views.ts'
import type { Latchkey, Limited } from '../../index.ts'
import type { Brush } from '../declare/brush.ts'
import type { Argument, Context, Declaration, Options, Values } from '../declare/declaration.ts'
import { arg, command, one, opt } from '../declare/define.ts'
import { count } from '../declare/parse.ts'
import { auditChange } from './audit/drawing.ts'

interface Thing {
  readonly id: string
}
type Created = Thing & { readonly created: boolean }
type Changed = Thing & { readonly changed: boolean; readonly before: unknown }

/** What a group of the library has for every noun. */
interface Group<View, Selector> {
  readonly get: (selector: Selector) => Promise<View>
  readonly delete: (selector: Selector) => Promise<View>
}
type Help = Pick<Declaration, 'summary' | 'examples'>

/**
 * The commands that show one thing and delete one: `thing('org', org, (all, { org }) => [all.organizations, org])`.
 *
 * @param among its group, and what selects it there
 * @param options what both take besides
 */
export const thing = <N extends Noun, View extends Thing, S, O extends Options = Record<never, never>>(
  noun: N,
  shape: ObjectShape<View>,
  among: (all: Latchkey, typed: Values<O> & { readonly [K in N]: string }) => readonly [Group<View, S>, S],
  options?: O,
) => ({
  show: (help: Help): Declaration =>
    command({
      effect: 'read',
      ...help,
      args: selecting(noun),
      ...(options && { options }),
      run: async (ctx, typed) => {
        const [group, selector] = among(await ctx.operations(), typed)
        return group.get(selector)
      },
      prints: one(shape),
    }),
  delete: (help: Help): Declaration =>
    command({
      effect: 'destroy',
      ...help,
      args: selecting(noun),
      ...(options && { options }),
      confirm: async (ctx, typed) => {
        const [group, selector] = among(await ctx.operations(), typed)
        const view = await group.get(selector)
        const question = `Erase ${titleOf(noun, view)} for good`
        return { question, typed: labelOf(noun, view), binds: { [noun]: view.id } }
      },
      run: async (ctx, typed) => {
        const [group, selector] = among(await ctx.operations(), typed)
        return group.delete(selector)
      },
      prints: one(shape, { done: view => `Deleted ${titleOf(noun, view)}` }),
      would: view => `delete ${noun} ${labelOf(noun, view)}`,
    }),
})

/**
 * The command that shows one thing with what is used of its own limits.
 *
 * @param viewOf finds the thing
 * @param options what it takes besides
 */
export const showing = <N extends LimitedNoun, View extends Thing, O extends Options = Record<never, never>>(
  noun: N,
  shape: ObjectShape<WithUse<View>>,
  viewOf: (ctx: Context, typed: Values<O> & { readonly [K in N]: string }) => Promise<View>,
  help: Help,
  options?: O,
): Declaration =>
  command({
    effect: 'read',
    ...help,
    args: selecting(noun),
    ...(options && { options }),
    run: async (ctx, typed) => {
      const view = await viewOf(ctx, typed)
      const { limits } = await ctx.operations()
      const all = await limits.list({ [noun]: view.id } as Limited)
      // Of a key, all that bind it are listed.
      return { ...view, limits: all.filter(({ subject }) => subject.id === view.id) }
    },
    prints: one(shape),
    notice: ({ id, ...view }) =>
      'memberLimits' in view && Number(view.memberLimits) > 0
        ? `See the limits of single members with: latchkey ${noun} limit list ${id}`
        : undefined,
  })

/** The options of a page of a list. @param named what names one of them */
export const paging = (thing: string, named = thing) => ({
  limit: atMost(),
  after: opt.text(named, `Start after this ${thing}`),
})

/** @param most how many there are without it, if not all */
export const atMost = (most?: string) =>
  opt.as('n', count, `At most this many${most === undefined ? '' : ` (default: ${most})`}`)

/** The argument that selects a thing. */
export const selecting = <N extends Noun>(noun: N) =>
  ({ [noun]: arg.one(nouns[noun].selectors) }) as Readonly<Record<N, Argument<string>>>

/** `user alice (usr_…)` */
const titleOf = (noun: Noun, view: Thing): string => `${noun} ${labelOf(noun, view)} (${view.id})`

/** What `create` prints and would do. */
export const creating = <View extends Created>(noun: Noun, shape: ObjectShape<View>) => ({
  prints: one(shape, { done: view => createdText(noun, view) }),
  would: (view: View): string => `create ${noun} ${labelOf(noun, view)}`,
})

export const createdText = (noun: Noun, view: Created): string =>
  view.created ? `Created ${titleOf(noun, view)}` : `Unchanged: ${titleOf(noun, view)} already exists`

/** What `update` prints and would do. */
export const updating = <View extends Changed>(noun: Noun, shape: ObjectShape<View>) => ({
  prints: one(shape, { done: (view, brush) => updatedText(noun, view, brush) }),
  would: (view: View, brush: Brush): string =>
    withChange(`update ${noun} ${labelOf(noun, view)}`, view, brush),
})

export const updatedText = (noun: Noun, view: Changed, brush: Brush): string =>
  withChange(outcomeText(`Updated ${titleOf(noun, view)}`, noun, view), view, brush)

/** A text, and below it what differs: `tokens 100k/5h → 500k/5h`. */
export function withChange(text: string, view: Changed, brush: Brush): string {
  const fields = Object.keys(Object(view.before))
  const after = Object.entries(view).filter(([field]) => fields.includes(field))
  const told = auditChange(
    { before: toJson({}, view.before), after: toJson({}, Object.fromEntries(after)) },
    brush,
  )
  return told === '' ? text : `${text}\n  ${told}`
}

/** What another change prints, which `done` tells in full. */
export const outcome = <View extends Changed>(
  noun: Noun,
  shape: ObjectShape<View>,
  done: (view: View, brush: Brush) => string,
) => one(shape, { done: (view: View, brush: Brush) => outcomeText(done(view, brush), noun, view) })

/** @param done what happened, as a sentence; not said if nothing did */
export const outcomeText = (done: string, noun: Noun, view: Changed): string =>
  view.changed ? done : `Unchanged: ${titleOf(noun, view)}`
