/**
 * Roles: names for permissions. Four are in every database, and nobody changes or deletes them. Others belong to one
 * organization, or to all; one that a member or an invitation has is neither renamed nor deleted.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Changed, CreatedRole, RoleView } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, isNotNull, isNull, or, sql } from '../../db/query.ts'
import { invitations, organizationMembers, roles } from '../../db/schema/members.ts'
import { projectMembers } from '../../db/schema/people.ts'
import { many } from '../../text/quantity.ts'
import { lineOf } from '../../text/shell-word.ts'
import type { OperationContext } from '../context.ts'
import type { CreateOptions, RoleSelector } from '../input.ts'
import type { Row } from '../nouns.ts'
import { paged } from '../page.ts'
import * as rules from '../rules/input.ts'
import { contains, find, refsOf, sameText } from '../select.ts'
import { Thing } from '../thing.ts'
import { authorize, requireMayGrant } from './access.ts'
import { type NewRole, newRole, type RoleChanges, type RolePage, roleChanges, roleFilter } from './input.ts'
import { hasRole } from './role-names.ts'

/** @throws invalid, not_found for the organization, conflict (the name is taken), denied */
export async function createRole(
  context: OperationContext,
  input: NewRole,
  options: CreateOptions = {},
): Promise<CreatedRole> {
  const { name, org: selector, permissions } = rules.parse(newRole, input)
  return context.store.write(async db => {
    const org = selector === undefined ? undefined : await find(db, 'org', selector)
    await authorize(context, db, 'role:write', { org })
    await requireMayGrant(context, db, [{ permissions }], { org })
    const organizationId = org?.id ?? null
    await requireNoOther(db, name, organizationId)
    return role.create(
      context,
      db,
      { name, organizationId, permissions: sorted(permissions) },
      {
        ...options,
        same: there => [['permissions', there.permissions, permissions]],
      },
    )
  })
}

const sorted = (permissions: readonly string[]): readonly string[] => [...new Set(permissions)].toSorted()

/** A name means one role in each organization: that of all, or its own. @throws conflict */
async function requireNoOther(db: Database, name: string, organizationId: string | null): Promise<void> {
  const elsewhere = organizationId === null ? isNotNull(roles.organizationId) : isNull(roles.organizationId)
  const [taken] = await db
    .select({ id: roles.id })
    .from(roles)
    .where(and(sameText(roles.name, name), elsewhere))
    .limit(1)
  if (taken === undefined) return
  throw new LatchkeyError(
    'conflict',
    organizationId === null
      ? `an organization has a role ${name} of its own (${taken.id})`
      : `the name ${name} is taken by a role of all organizations (${taken.id})`,
    `choose another name, or look at: ${lineOf('role show', taken.id)}`,
  )
}

/** Oldest first. @throws invalid; not_found, ambiguous */
export const roleList = paged('roles', (context, given: RolePage = {}) => {
  const { limit, org, search, after } = rules.parsePage(roleFilter, given)
  return {
    limit,
    open: async db => {
      const within = org === undefined ? undefined : await find(db, 'org', org)
      const where = and(
        within && or(isNull(roles.organizationId), eq(roles.organizationId, within.id)),
        contains([roles.name], search),
      )
      const last = within === undefined ? after : after && { role: after, org: within.id }
      return role.source(context, db, where, last)
    },
  }
})

/** @throws not_found, ambiguous, invalid, conflict (built in; renamed while somebody has it; the name is taken), denied */
export async function updateRole(
  context: OperationContext,
  selector: RoleSelector,
  input: RoleChanges,
): Promise<Changed<RoleView>> {
  const { name, permissions } = rules.parseChanges(roleChanges, input)
  return role.change(context, selector, 'update', async (db, row) => {
    const org = await requireOwn(context, db, row)
    if (permissions) await requireMayGrant(context, db, [row, { permissions }], { org })
    if (name !== undefined && name !== row.name) {
      await requireUnused(db, row, 'rename')
      await requireNoOther(db, name, row.organizationId)
    }
    return { name, ...(permissions && { permissions: sorted(permissions) }) }
  })
}

/** Deletes a role that nobody has. @throws not_found, ambiguous, conflict (built in, or somebody has it), denied */
export const deleteRole = (context: OperationContext, selector: RoleSelector): Promise<RoleView> =>
  role.erase(context, selector, async (db, row) => {
    const org = await requireOwn(context, db, row)
    await requireMayGrant(context, db, [row], { org })
    await requireUnused(db, row, 'delete')
  })

/** @returns the organization that it belongs to. @throws conflict (built in), denied */
async function requireOwn(
  context: OperationContext,
  db: Database,
  row: Row<'role'>,
): Promise<Row<'org'> | undefined> {
  if (isBuiltIn(row)) {
    throw new LatchkeyError(
      'conflict',
      `the role ${row.name} is built in`,
      'make one of your own: latchkey role create NAME --permission project:write',
    )
  }
  const org = row.organizationId === null ? undefined : await find(db, 'org', row.organizationId)
  await authorize(context, db, 'role:write', { org })
  return org
}

const isBuiltIn = ({ id }: { readonly id: string }): boolean => /^rol_0{25}[1-4]$/.test(id)

/** @throws conflict */
async function requireUnused(
  db: Database,
  { name, organizationId }: Row<'role'>,
  what: string,
): Promise<void> {
  const here = (column: typeof invitations.organizationId | typeof organizationMembers.organizationId) =>
    organizationId === null ? undefined : eq(column, organizationId)
  const members = await db.$count(
    organizationMembers,
    and(hasRole(sql`${organizationMembers.role}`, name), here(organizationMembers.organizationId)),
  )
  const invited = await db.$count(
    invitations,
    and(hasRole(invitations.role, name), here(invitations.organizationId), eq(invitations.status, 'pending')),
  )
  const ofOrganization = organizationId === null ? sql`` : sql` WHERE organization_id = ${organizationId}`
  const inProjects = await db.$count(
    projectMembers,
    and(
      hasRole(sql`${projectMembers.role}`, name),
      sql`${projectMembers.projectId} IN (SELECT id FROM projects${ofOrganization})`,
    ),
  )
  const n = members + invited + inProjects
  if (n === 0) return
  throw new LatchkeyError(
    'conflict',
    `the role ${name} is that of ${many(n, 'member or invitation', 'members or invitations')}`,
    `give them another role before you ${what} it: latchkey org member role ORG USER ROLE`,
  )
}

/** The views of rows, in the same order. */
export async function roleViews(db: Database, rows: readonly Row<'role'>[]): Promise<readonly RoleView[]> {
  const ownerIds = rows.flatMap(row => row.organizationId ?? [])
  const owners = await refsOf(db, 'org', ownerIds)
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    organization: owners.get(row.organizationId ?? '') ?? null,
    permissions: row.permissions,
    builtIn: isBuiltIn(row),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
  }))
}

export const role = new Thing('role', roleViews)
