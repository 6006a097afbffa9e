/**
 * The state of the agent that works on a project. What it has many of are rows, and the statement that adds one also gives it
 * its position: nothing is read, changed and written back, so that no change is lost.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type {
  AddedPhase,
  AgentFile,
  AgentMessage,
  AgentPhase,
  AgentState,
  ChangedAgentState,
  CompletedPhase,
} from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, type Column, eq, type SQL, sql, type Table } from '../../db/query.ts'
import { agentFiles, agentMessages, agentPhases, agentStates } from '../../db/schema/content.ts'
import { lineOf } from '../../text/shell-word.ts'
import { record } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { type Row, targetOf } from '../nouns.ts'
import { inOrder, paged } from '../page.ts'
import * as rules from '../rules/input.ts'
import { dateOrNull } from '../rules/instant.ts'
import { find } from '../select.ts'
import {
  type AgentChanges,
  type AgentMessagePage,
  agentChanges,
  type NewAgentMessage,
  type NewPhase,
  newAgentFile,
  newAgentMessage,
  newPhase,
} from './input.ts'
import { changeProject } from './project.ts'

type Project = Row<'project'>

/** Every project has one: idle until it is set. @throws not_found, ambiguous */
export const getState = (context: OperationContext, selector: string): Promise<AgentState> =>
  context.store.read(async db => stateView(db, await find(db, 'project', selector)))

/** @throws not_found, ambiguous, invalid */
export async function setState(
  context: OperationContext,
  selector: string,
  changes: AgentChanges,
): Promise<ChangedAgentState> {
  const given = rules.parseChanges(agentChanges, changes)
  return changeProject(context, selector, 'state:write', async (db, project) => {
    const before = await stateView(db, project)
    const isChange = Object.entries(given).some(
      ([field, value]) => value !== undefined && value !== Reflect.get(before, field),
    )
    if (!isChange) return { ...before, changed: false }
    await touch(context, db, project, given)
    const after = await stateView(db, project)
    const target = targetOf('project', project)
    await record(context, db, { action: 'project.state-set', target, before, after })
    return { ...after, changed: true }
  })
}

/** Makes it what it is at first, without phases, files and messages. @throws not_found, ambiguous */
export const resetState = (context: OperationContext, selector: string): Promise<ChangedAgentState> =>
  changeProject(context, selector, 'state:write', async (db, project) => {
    const before = await stateView(db, project)
    if (before.createdAt === null) return { ...before, changed: false }
    const tables = [agentPhases, agentFiles, agentMessages, agentStates]
    for (const table of tables) await db.delete(table).where(eq(table.projectId, project.id))
    const after = await stateView(db, project)
    const target = targetOf('project', project)
    const { phases, files, ...rest } = before
    const gone = { ...rest, phases: phases.length, files: files.length }
    await record(context, db, { action: 'project.state-reset', target, before: gone })
    return { ...after, changed: true }
  })

/** Adds a phase at the end. @throws not_found, ambiguous, invalid */
export async function addPhase(
  context: OperationContext,
  selector: string,
  input: NewPhase,
): Promise<AddedPhase> {
  const { name, description = null, files = [], isLast = false } = rules.parse(newPhase, input)
  return changeProject(context, selector, 'state:write', async (db, project) => {
    await touch(context, db, project)
    const position = next(agentPhases, project)
    const given = { projectId: project.id, position, name, description, files, isLast }
    const [row] = await db.insert(agentPhases).values(given).returning()
    const after = phaseView(written(row))
    await note(context, db, project, 'project.state-phase', after)
    return { ...after, project: refOf(project) }
  })
}

/**
 * Completes a phase.
 *
 * @param which its position, or its name
 * @throws not_found, ambiguous
 */
export function completePhase(
  context: OperationContext,
  selector: string,
  which: string | number,
): Promise<CompletedPhase> {
  return changeProject(context, selector, 'state:write', async (db, project) => {
    const isMeant = typeof which === 'number' ? eq(agentPhases.position, which) : eq(agentPhases.name, which)
    const rows = await db
      .select()
      .from(agentPhases)
      .where(and(eq(agentPhases.projectId, project.id), isMeant))
      .orderBy(asc(agentPhases.position))
      .limit(2)
    const row = onlyPhase(project, String(which), rows)
    if (row.completedAt !== null) return { ...phaseView(row), project: refOf(project), changed: false }
    await touch(context, db, project)
    const completedAt = context.now().getTime()
    await db
      .update(agentPhases)
      .set({ completedAt })
      .where(and(eq(agentPhases.projectId, project.id), eq(agentPhases.position, row.position)))
    const after = phaseView({ ...row, completedAt })
    await note(context, db, project, 'project.state-phase', after)
    return { ...after, project: refOf(project), changed: true }
  })
}

/** Adds a file that the agent has made; one that is there stays where it is. @throws not_found, ambiguous, invalid */
export async function addAgentFile(
  context: OperationContext,
  selector: string,
  typed: string,
): Promise<AgentFile> {
  const { path } = rules.parse(newAgentFile, { path: typed })
  return changeProject(context, selector, 'state:write', async (db, project) => {
    const isMeant = and(eq(agentFiles.projectId, project.id), eq(agentFiles.path, path))
    const [there] = await db.select().from(agentFiles).where(isMeant).limit(1)
    const view = (position: number, added: boolean) => ({ project: refOf(project), path, position, added })
    if (there) return view(there.position, false)
    await touch(context, db, project)
    const given = { projectId: project.id, path, position: next(agentFiles, project) }
    const [row] = await db.insert(agentFiles).values(given).returning()
    const { position } = written(row)
    await note(context, db, project, 'project.state-file', { path, position })
    return view(position, true)
  })
}

/** Adds a message at the end of the conversation. @throws not_found, ambiguous, invalid */
export async function addAgentMessage(
  context: OperationContext,
  selector: string,
  input: NewAgentMessage,
): Promise<AgentMessage> {
  const { role, content } = rules.parse(newAgentMessage, input)
  return changeProject(context, selector, 'state:write', async (db, project) => {
    await touch(context, db, project)
    const at = context.now().getTime()
    const position = next(agentMessages, project)
    const given = { projectId: project.id, position, role, content, at }
    const [row] = await db.insert(agentMessages).values(given).returning()
    const after = messageView(project, written(row))
    await note(context, db, project, 'project.state-message', { position: after.position, role })
    return after
  })
}

/** In the order of their positions. @throws not_found, ambiguous, invalid */
export const agentMessageList = paged('messages', (_, selector: string, given: AgentMessagePage = {}) => {
  const { limit, after, descending } = rules.parse(rules.positions, given)
  return {
    limit,
    open: async db => {
      const project = await find(db, 'project', selector)
      return inOrder(db, agentMessages, {
        by: agentMessages.position,
        where: eq(agentMessages.projectId, project.id),
        descending,
        after,
        views: rows => rows.map(row => messageView(project, row)),
        keyOf: ({ position }) => position,
      })
    },
  }
})

/** Makes the row of the state, or changes it. */
async function touch(
  context: OperationContext,
  db: Database,
  project: Project,
  changes: AgentChanges = {},
): Promise<void> {
  const at = context.now().getTime()
  const set = { ...changes, updatedAt: at }
  const row = { projectId: project.id, ...set, createdAt: at }
  await db.insert(agentStates).values(row).onConflictDoUpdate({ target: agentStates.projectId, set })
}

/** The position after the last one. */
const next = (
  table: Table & { readonly projectId: Column; readonly position: Column },
  { id }: Project,
): SQL<number> =>
  sql`(SELECT coalesce(max(${table.position}), 0) + 1 FROM ${table} WHERE ${table.projectId} = ${id})`

function written<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('a row was written, but not returned')
  return row
}

const note = (
  context: OperationContext,
  db: Database,
  project: Project,
  action: 'project.state-phase' | 'project.state-file' | 'project.state-message',
  after: object,
): Promise<void> => record(context, db, { action, target: targetOf('project', project), after })

async function stateView(db: Database, project: Project): Promise<AgentState> {
  const [row] = await db.select().from(agentStates).where(eq(agentStates.projectId, project.id)).limit(1)
  const phases = await db
    .select()
    .from(agentPhases)
    .where(eq(agentPhases.projectId, project.id))
    .orderBy(asc(agentPhases.position))
  const files = await db
    .select({ path: agentFiles.path })
    .from(agentFiles)
    .where(eq(agentFiles.projectId, project.id))
    .orderBy(asc(agentFiles.position))
  return {
    project: refOf(project),
    currentState: row?.currentState ?? 'idle',
    currentPhase: row?.currentPhase ?? null,
    sandboxId: row?.sandboxId ?? null,
    previewUrl: row?.previewUrl ?? null,
    phases: phases.map(phaseView),
    files: files.map(({ path }) => path),
    messages: await db.$count(agentMessages, eq(agentMessages.projectId, project.id)),
    createdAt: row ? new Date(row.createdAt) : null,
    updatedAt: row ? new Date(row.updatedAt) : null,
  }
}

const refOf = ({ id, slug }: Project) => ({ id, slug })

const phaseView = (row: typeof agentPhases.$inferSelect): AgentPhase => ({
  position: row.position,
  name: row.name,
  description: row.description,
  files: row.files,
  isLast: row.isLast,
  completedAt: dateOrNull(row.completedAt),
})

const messageView = (project: Project, row: typeof agentMessages.$inferSelect): AgentMessage => ({
  project: refOf(project),
  position: row.position,
  role: row.role,
  content: row.content,
  at: new Date(row.at),
})

/** @throws not_found, ambiguous */
function onlyPhase<Row extends { readonly position: number }>(
  { slug }: Project,
  typed: string,
  rows: readonly Row[],
): Row {
  const [row, second] = rows
  if (row === undefined) {
    throw new LatchkeyError(
      'not_found',
      `${slug} has no phase ${JSON.stringify(typed)}`,
      `see its phases with: ${lineOf('project state show', slug)}`,
    )
  }
  if (second === undefined) return row
  throw new LatchkeyError(
    'ambiguous',
    `${slug} has several phases ${JSON.stringify(typed)}`,
    `use its position, for example: ${row.position}`,
  )
}
