/** How one thing names another. */
import { integer, type Of, object, text } from '../shape.ts'

export const userRef = object('UserRef', { id: text('Id of the user'), username: text('Unique username') })

export const projectRef = object('ProjectRef', { id: text('Id of the project'), slug: text('Unique slug') })

export const keyRef = object('KeyRef', { id: text('Id of the key'), name: text('Unique name') })

/** A process that has the database open. */
export const holder = object('Holder', {
  pid: integer('Process id'),
  command: text('What it runs, shortened'),
})

export type UserRef = Of<typeof userRef>
export type ProjectRef = Of<typeof projectRef>
export type KeyRef = Of<typeof keyRef>
