/** Users, and the projects they own. Types only; `src/operations/people` has the rules. */
import type {
  Changed,
  CreatedProject,
  CreatedUser,
  ErasedUser,
  Offboarded,
  PasswordCheck,
  PasswordSet,
  PersonalRow,
  Project,
  ProjectMember,
  User,
} from '../contract/views.ts'
import type { CreateOptions } from '../operations/input.ts'
import type { MemberPage } from '../operations/organizations/input.ts'
import type {
  Disabling,
  NewProject,
  NewUser,
  Offboarding,
  ProjectChanges,
  ProjectMemberList,
  ProjectOwner,
  ProjectPage,
  UserChanges,
  UserPage,
} from '../operations/people/input.ts'

export type * from '../operations/people/input.ts'

/** People and service accounts. A user is selected by id, the first characters of the id, username or email. */
export interface Users {
  /**
   * Creates a user.
   *
   * @throws invalid, conflict (the username or email is taken)
   * @example
   * const user = await latchkey.users.create({ username: 'bob', email: 'bob@example.org' })
   */
  readonly create: (user: NewUser, options?: CreateOptions) => Promise<CreatedUser>
  /**
   * Users, oldest first.
   *
   * @throws invalid
   * @example
   * const users = await latchkey.users.list()
   */
  readonly list: (page?: UserPage) => Promise<readonly User[]>
  /**
   * Streams the users of `list` from one snapshot, in constant memory.
   *
   * @throws invalid, not_found, ambiguous (when the first is read)
   * @example
   * for await (const { username } of latchkey.users.stream({ role: 'admin' })) console.log(username)
   */
  readonly stream: (page?: UserPage) => AsyncIterable<User>
  /**
   * One user.
   *
   * @throws not_found, ambiguous
   * @example
   * const user = await latchkey.users.get('alice')
   */
  readonly get: (user: string) => Promise<User>
  /**
   * Changes a user. A field that is left out stays; null clears it.
   *
   * @throws not_found, ambiguous, invalid, conflict (the username or email is taken, the user was erased)
   * @example
   * await latchkey.users.update('alice', { name: 'Alice Example' })
   */
  readonly update: (user: string, changes: UserChanges) => Promise<Changed<User>>
  /**
   * Sets the password, stored as argon2id; null removes it.
   *
   * @throws not_found, ambiguous, invalid, conflict (the user was erased)
   * @example
   * await latchkey.users.setPassword('alice', 'correct horse battery staple')
   */
  readonly setPassword: (user: string, password: string | null) => Promise<Changed<User>>
  /**
   * Sets a new random password and returns it. Only its argon2id hash is stored.
   *
   * @throws not_found, ambiguous, conflict (the user was erased)
   * @example
   * const { password } = await latchkey.users.generatePassword('alice')
   */
  readonly generatePassword: (user: string) => Promise<PasswordSet>
  /**
   * Whether this is the password of the user. False for an unknown or disabled user, for one without a password, and
   * for an ambiguous selector, each in the same time.
   *
   * @throws busy, corrupt
   * @example
   * const isAlice = await latchkey.users.verifyPassword('alice', 'a guess')
   */
  readonly verifyPassword: (user: string, password: string) => Promise<boolean>
  /**
   * The same with the reason, for operators: users that do not exist are told apart.
   *
   * @throws not_found, ambiguous
   * @example
   * const { valid, code } = await latchkey.users.checkPassword('alice', 'a guess')
   */
  readonly checkPassword: (user: string, password: string) => Promise<PasswordCheck>
  /**
   * Disables a user: all keys of the user answer `user_disabled`, and sessions are no longer valid. With `until`, it ends by
   * itself. On a user who is disabled already, it changes what is given, and null clears it.
   *
   * @throws not_found, ambiguous, invalid (a time that is over), conflict (the user was erased)
   * @example
   * await latchkey.users.disable('alice', { reason: 'on leave', until: new Date('2099-01-01') })
   */
  readonly disable: (user: string, options?: Disabling) => Promise<Changed<User>>
  /**
   * Enables a disabled user.
   *
   * @throws not_found, ambiguous, conflict (the user was erased)
   * @example
   * await latchkey.users.enable('alice')
   */
  readonly enable: (user: string) => Promise<Changed<User>>
  /**
   * Erases a user who has no keys, projects or chats. Memberships are removed too.
   *
   * @throws not_found, ambiguous, conflict (keys, projects or chats are left)
   * @example
   * await latchkey.users.create({ username: 'leaving' })
   * await latchkey.users.delete('leaving')
   */
  readonly delete: (user: string) => Promise<User>
  /**
   * A user leaves: shows how much the user owns or belongs to, or with an option disables the user, gives all to somebody else, or
   * deletes it, in one transaction.
   *
   * @throws not_found, ambiguous, invalid, conflict (somebody else's things depend on it)
   * @example
   * await latchkey.users.create({ username: 'leaving' })
   * const { holds } = await latchkey.users.offboard('leaving')
   * await latchkey.users.offboard('leaving', { to: 'alice' })
   */
  readonly offboard: (user: string, options?: Offboarding) => Promise<Offboarded>
  /**
   * Streams all that is kept about a person, without hashes, tokens and secrets, from one snapshot, in constant memory.
   *
   * @throws not_found, ambiguous (when the first row is read)
   * @example
   * for await (const { of, row } of latchkey.users.export('alice')) console.log(of, JSON.stringify(row))
   */
  readonly export: (user: string) => AsyncIterable<PersonalRow>
  /**
   * Erases a person: names, addresses, chats and ways to sign in. What was used still counts, and a restore of an older backup
   * erases the person again.
   *
   * @throws not_found, ambiguous, conflict (the user still owns projects)
   * @example
   * await latchkey.users.create({ username: 'leaving' })
   * await latchkey.users.erase('leaving')
   */
  readonly erase: (user: string) => Promise<ErasedUser>
}

/** Projects. A project is selected by id, the first characters of the id, or slug. */
export interface Projects {
  /**
   * Creates a project. Its slug is made from the name unless one is given.
   *
   * @throws invalid, not_found (the owner), conflict (the slug is taken, the owner is disabled or erased)
   * @example
   * const { slug } = await latchkey.projects.create({ name: 'Web Shop', owner: 'alice' })
   */
  readonly create: (project: NewProject, options?: CreateOptions) => Promise<CreatedProject>
  /**
   * Projects, oldest first.
   *
   * @throws not_found, ambiguous (the owner or member)
   * @example
   * const projects = await latchkey.projects.list({ owner: 'alice' })
   */
  readonly list: (page?: ProjectPage) => Promise<readonly Project[]>
  /**
   * Streams the projects of `list` from one snapshot, in constant memory.
   *
   * @throws invalid, not_found, ambiguous (when the first is read)
   * @example
   * for await (const { slug } of latchkey.projects.stream({ status: 'archived' })) console.log(slug)
   */
  readonly stream: (page?: ProjectPage) => AsyncIterable<Project>
  /**
   * One project.
   *
   * @throws not_found, ambiguous
   * @example
   * const project = await latchkey.projects.get('shop')
   */
  readonly get: (project: string) => Promise<Project>
  /**
   * Gives a project to another user, or to an organization. Members, keys and what they used stay.
   *
   * @throws not_found, ambiguous, invalid (not exactly one of both), conflict (the user is disabled or erased), denied
   * @example
   * await latchkey.projects.transfer('shop', { org: 'acme' })
   */
  readonly transfer: (project: string, to: ProjectOwner) => Promise<Changed<Project>>
  /**
   * Changes a project. A field that is left out stays; null clears it.
   *
   * @throws not_found, ambiguous, invalid, conflict (the slug is taken, the owner is disabled or erased)
   * @example
   * await latchkey.projects.update('shop', { description: 'Orders and carts' })
   */
  readonly update: (project: string, changes: ProjectChanges) => Promise<Changed<Project>>
  /**
   * Archives a project: its keys answer `project_archived`.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.projects.archive('shop')
   */
  readonly archive: (project: string) => Promise<Changed<Project>>
  /**
   * Unarchives a project.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.projects.unarchive('shop')
   */
  readonly unarchive: (project: string) => Promise<Changed<Project>>
  /**
   * Erases a project that has no keys.
   *
   * @throws not_found, ambiguous, conflict (keys are left)
   * @example
   * await latchkey.projects.create({ name: 'Trial', owner: 'alice' })
   * await latchkey.projects.delete('trial')
   */
  readonly delete: (project: string) => Promise<Project>
  /** Who belongs to a project besides its owner. */
  readonly members: ProjectMembers
}

/** Members of projects. */
export interface ProjectMembers {
  /**
   * Adds a user; the role is `member` unless another is given.
   *
   * @throws not_found, ambiguous, conflict (is a member already, was erased), denied
   * @example
   * await latchkey.users.create({ username: 'newcomer' })
   * await latchkey.projects.members.add('shop', 'newcomer', 'viewer')
   */
  readonly add: (project: string, user: string, role?: string) => Promise<Changed<Project>>
  /**
   * A page of members, in the order in which the users were created, and how many there are.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { members, total } = await latchkey.projects.members.list('shop')
   */
  readonly list: (project: string, page?: MemberPage) => Promise<ProjectMemberList>
  /**
   * Streams the members of `list` in constant memory.
   *
   * @throws as `list`, when the first is read
   * @example
   * for await (const { user, role } of latchkey.projects.members.stream('shop')) console.log(user.username, role)
   */
  readonly stream: (project: string, page?: MemberPage) => AsyncIterable<ProjectMember>
  /**
   * Gives a member another role.
   *
   * @throws not_found, ambiguous, denied
   * @example
   * await latchkey.users.create({ username: 'second' })
   * await latchkey.projects.members.add('shop', 'second')
   * await latchkey.projects.members.setRole('shop', 'second', 'admin')
   */
  readonly setRole: (project: string, user: string, role: string) => Promise<Changed<Project>>
  /**
   * Takes a user out of a project.
   *
   * @throws not_found, ambiguous, denied
   * @example
   * await latchkey.users.create({ username: 'guest' })
   * await latchkey.projects.members.add('shop', 'guest')
   * await latchkey.projects.members.remove('shop', 'guest')
   */
  readonly remove: (project: string, user: string) => Promise<Changed<Project>>
}
