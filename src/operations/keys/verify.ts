/** The verdict on a secret: may this request go ahead? The same rules for the command line and for a gateway. */
import { eq } from 'drizzle-orm'
import type { Key, LimitState, Verdict, VerdictCode } from '../../contract/views.ts'
import { keys, limits, projects, secrets, users } from '../../db/schema.ts'
import type { OperationContext } from '../context.ts'
import { limitStates, sortLimits, type Wanted } from '../limits.ts'
import { matches } from '../patterns.ts'
import { hashSecret, isMalformed } from '../secrets.ts'
import { keyView, statusOf } from './view.ts'

export interface VerifyOptions {
  /** The model that the request asks for. */
  readonly model?: string | undefined
  /** What the request needs the key to be allowed to do. */
  readonly scope?: string | undefined
  /** How much the request will use, as far as it is known; a limit with less left denies it. */
  readonly wanted?: Wanted | undefined
  /** As if it were then; default now. */
  readonly at?: Date | undefined
}

/** Never throws for a bad secret: the verdict says what is wrong with it. */
export async function verifySecret(
  context: OperationContext,
  secret: string,
  options: VerifyOptions = {},
): Promise<Verdict> {
  if (isMalformed(secret)) return denied('malformed')
  const at = options.at ?? context.now()
  return context.store.read(async db => {
    const [found] = await db
      .select({
        key: keys,
        endsAt: secrets.endsAt,
        userDisabledAt: users.disabledAt,
        projectArchivedAt: projects.archivedAt,
      })
      .from(secrets)
      .innerJoin(keys, eq(secrets.keyId, keys.id))
      .leftJoin(users, eq(keys.userId, users.id))
      .leftJoin(projects, eq(keys.projectId, projects.id))
      .where(eq(secrets.hash, hashSecret(secret)))
      .limit(1)
    if (!found) return denied('not_found')
    const key = await keyView(db, at, found.key.id)
    const status = statusOf(found.key, at)
    if (found.endsAt !== null && found.endsAt <= at.getTime()) return denied('rotated', key)
    if (status !== 'active') return denied(status, key)
    if (found.userDisabledAt !== null) return denied('user_disabled', key)
    if (found.projectArchivedAt !== null) return denied('project_archived', key)
    // The key's own model replaces the one asked for, so that is the one that must be allowed.
    const model = key.model ?? options.model
    if (
      model !== undefined &&
      key.allowedModels &&
      !key.allowedModels.some(pattern => matches(pattern, model))
    ) {
      return denied('model_not_allowed', key)
    }
    const { scope } = options
    if (scope !== undefined && !key.scopes.some(pattern => matches(pattern, scope))) {
      return denied('insufficient_scope', key)
    }
    const rows = await db.select().from(limits).where(eq(limits.keyId, key.id))
    const states = await limitStates(db, sortLimits(rows), key.id, at, options.wanted)
    const exceeded = states.filter(state => state.exceeded)
    if (exceeded.length > 0) return denied('limit_exceeded', key, states, latest(exceeded))
    return { valid: true, code: 'valid', key, limits: states, retryAt: null }
  })
}

/** When every limit that was hit lets the request through; null when one of them never will. */
function latest(exceeded: readonly LimitState[]): Date | null {
  const times = exceeded.map(state => state.retryAt)
  if (times.includes(null)) return null
  return new Date(Math.max(...times.map(time => time?.getTime() ?? 0)))
}

function denied(
  code: Exclude<VerdictCode, 'valid'>,
  key: Key | null = null,
  states: readonly LimitState[] = [],
  retryAt: Date | null = null,
): Verdict {
  return { valid: false, code, key, limits: states, retryAt }
}
