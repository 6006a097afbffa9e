/** Users and projects. */
import {
  anything,
  as,
  choice,
  extend,
  flag,
  integer,
  list,
  mapOf,
  nullable,
  type Of,
  object,
  text,
  time,
} from '../shape.ts'
import { changed, created, stamps } from './changes.ts'
import { limit, withUse } from './limits.ts'
import { orgRef, userRef } from './refs.ts'
import { offboardings, passwordCodes, projectStates, roles, userStatuses } from './words.ts'

export const user = object('User', {
  id: text('usr_ and a time-sorted id'),
  username: text('Unique username'),
  email: nullable(text('Unique email address')),
  emailVerified: flag('Whether the address is known to be theirs'),
  name: nullable(text('Display name')),
  image: nullable(text('Address of a picture')),
  role: choice(roles, 'Role, for your backend to interpret'),
  service: flag('Whether this is a service account'),
  status: choice(userStatuses, 'Derived from disabledAt and disabledUntil'),
  hasPassword: flag('Whether a password is set'),
  limits: list(limit, 'Limits on all their keys together'),
  disabledAt: nullable(time('Since when the user and all their keys are off')),
  disabledReason: nullable(text('Why')),
  disabledUntil: nullable(time('When they are on again by themselves')),
  ...stamps,
})

export const projectMember = object('ProjectMember', {
  user: as(userRef, 'The member'),
  role: text('Name of the role in this project'),
})

export const project = object('Project', {
  id: text('prj_ and a time-sorted id'),
  slug: text('Unique slug'),
  name: text('Display name'),
  description: nullable(text('What it is for')),
  status: choice(['active', 'archived'], 'Derived from archivedAt'),
  keyPrefix: nullable(text('Prefix of the secrets of its keys; null is lk')),
  owner: nullable(as(userRef, 'The user who owns it; null if an organization does')),
  members: list(projectMember, 'Members, without the owner'),
  limits: list(limit, 'Limits on all its keys together'),
  ...stamps,
  archivedAt: nullable(time('Since when it is archived and its keys are off')),
  organization: nullable(as(orgRef, 'The organization that owns it; null if a user does')),
  state: choice(projectStates, 'What your backend is doing with it'),
  previewUrl: nullable(text('Where your backend shows it')),
  sandboxId: nullable(text('The sandbox that your backend runs it in')),
  memberLimits: integer('How many limits of single members it has'),
})

export const userDetails = withUse('UserDetails', user)
export const projectDetails = withUse('ProjectDetails', project)

export const createdUser = created('CreatedUser', user)
export const changedUser = changed('ChangedUser', user)
export const passwordSet = extend('PasswordSet', changedUser, {
  password: nullable(text('The new password if it was generated; shown once')),
})
export const passwordCheck = object('PasswordCheck', {
  user: as(userRef, 'Whose password was checked'),
  valid: flag('Whether the user may sign in with it'),
  code: choice(passwordCodes, 'valid, or why not'),
})
export const offboarded = object('Offboarded', {
  user: as(userRef, 'Who leaves'),
  action: choice(offboardings, 'What was done; none if it was only shown'),
  to: nullable(as(userRef, 'Who was given what the user owned')),
  holds: mapOf(integer('How many'), 'What the user owned or belonged to before, by kind'),
})
export const erasedUser = object('ErasedUser', {
  id: text('The id, which stays'),
  keys: integer('How many keys were revoked and lost their names'),
  chats: integer('How many chats were deleted'),
  messages: integer('How many messages they had'),
})
export const personalRow = object('PersonalRow', {
  of: text('What holds it, such as users, keys, chats, messages or audit'),
  row: anything('What it says, without hashes, tokens and secrets'),
})
export const createdProject = created('CreatedProject', project)
export const changedProject = changed('ChangedProject', project)

export type User = Of<typeof user>
export type UserDetails = Of<typeof userDetails>
export type CreatedUser = Of<typeof createdUser>
export type PasswordSet = Of<typeof passwordSet>
export type Offboarded = Of<typeof offboarded>
export type ErasedUser = Of<typeof erasedUser>
export type PersonalRow = Of<typeof personalRow>
export type PasswordCheck = Of<typeof passwordCheck>
export type CreatedProject = Of<typeof createdProject>
export type ProjectMember = Of<typeof projectMember>
export type Project = Of<typeof project>
export type ProjectDetails = Of<typeof projectDetails>
