/** How one thing names another. */
import { type Noun, nouns } from '../nouns.ts'
import { integer, type ObjectShape, object, text } from '../shape.ts'

/** An id, and the label that people know it by. */
export type Ref<N extends Noun> = { readonly id: string } & {
  readonly [L in (typeof nouns)[N]['label']]: string
}

export const userRef = ref('user', 'UserRef')
export const projectRef = ref('project', 'ProjectRef')
export const keyRef = ref('key', 'KeyRef')
export const chatRef = ref('chat', 'ChatRef')
export const orgRef = ref('org', 'OrgRef')
export const teamRef = ref('team', 'TeamRef')

function ref<N extends Noun>(noun: N, name: string): ObjectShape<Ref<N>> {
  const { label, isUnique } = nouns[noun]
  const called = isUnique === true ? `Unique ${label}` : `Its ${label}`
  return object(name, { id: text(`Id of the ${noun}`), [label]: text(called) }) as never
}

/** A process that has the database open. */
export const holder = object('Holder', {
  pid: integer('Process id'),
  command: text('What it runs, shortened'),
})

export type UserRef = Ref<'user'>
export type ProjectRef = Ref<'project'>
export type KeyRef = Ref<'key'>
export type OrgRef = Ref<'org'>
export type TeamRef = Ref<'team'>
