/** How new secrets are delivered: options, and what is printed. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { CreatedKey, IssuedKey } from '../../../contract/views.ts'
import { lineOf, shellWord } from '../../../text/shell-word.ts'
import type { Context, Revealed } from '../../declare/declaration.ts'
import { opt } from '../../declare/define.ts'
import type { NewSecretFile } from './secret-file.ts'

export const deliveryOptions = {
  out: opt.text('file', 'Write the secret to this new file, readable only by you, and print its path'),
  raw: opt.flag('Print only the secret on stdout'),
}

interface Typed {
  readonly out?: string | undefined
  readonly raw: boolean
}

type Deliver = ((created: readonly IssuedKey[]) => Promise<void>) | undefined

/** Runs `work` and delivers its secrets as asked. Secrets that went to a file are not in the result. */
export async function delivered<T extends IssuedKey>(
  ctx: Context,
  { out, raw }: Typed,
  work: (deliver: Deliver) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  if (raw && out !== undefined) {
    throw new LatchkeyError('usage', '--raw and --out exclude each other', 'give only one of them')
  }
  if (raw && ctx.config.output !== 'table') {
    throw new LatchkeyError(
      'usage',
      `--raw prints only the secret, so it does not go with -o ${ctx.config.output}`,
      'leave out one of them; with --raw, -o table is allowed',
    )
  }
  return withSecretFile(ctx, out, async file => {
    let kept = false
    const created = await work(
      file &&
        (async keys => {
          await file.deliver(keys)
          kept = true
        }),
    )
    if (file === undefined) return created
    return created.map(key => ({ ...key, secret: null, secretFile: kept ? file.path : null }))
  })
}

async function withSecretFile<T>(
  ctx: Context,
  typed: string | undefined,
  work: (file: NewSecretFile | undefined) => Promise<T>,
): Promise<T> {
  if (typed === undefined) return work(undefined)
  if (typed === '-') {
    throw new LatchkeyError('usage', '--out needs the name of a new file, not -', 'for stdout, use --raw')
  }
  const { withNewSecretFile } = await import('./secret-file.ts')
  return withNewSecretFile(ctx.path(typed), ctx.dryRun, work)
}

/** The secret that stdout gets, unless it goes to a file. */
export const revealsSecret = ({ out }: Typed): Revealed<IssuedKey> | undefined =>
  out === undefined
    ? {
        field: 'secret',
        of: key => key.name,
        again: key => `create a new secret with: ${lineOf('key rotate', key.id)}`,
      }
    : undefined

/** Printed in place of a sentence: only the secrets, or the path of their file. */
export function deliveredLines(
  created: readonly IssuedKey[],
  { out, raw }: Typed,
): readonly string[] | undefined {
  if (raw) return created.flatMap(key => key.secret ?? [])
  return out === undefined ? undefined : created.slice(0, 1).flatMap(key => key.secretFile ?? [])
}

/** Printed on stderr. */
export function deliveryNotice(
  created: readonly IssuedKey[],
  { out, raw }: Typed,
  said: string,
): string | undefined {
  const [first] = created
  if (raw || out !== undefined) return said
  if (!first?.secret) return undefined
  return created.length === 1
    ? 'Copy it now: it cannot be shown again.'
    : 'Copy them now: they cannot be shown again.'
}

/** The same for created keys, which may have existed. Also says if nothing bounds them. */
export function creationNotice(keys: readonly CreatedKey[], typed: Typed): string | undefined {
  const made = keys.filter(key => key.created)
  const [first] = made
  if (first === undefined) {
    return typed.raw || typed.out !== undefined
      ? `Unchanged: ${named(keys)} already ${keys.length === 1 ? 'exists' : 'exist'}`
      : undefined
  }
  const said = deliveryNotice(made, typed, `Created ${named(made)}`)
  const isUnbound = first.user === null && first.limits.length === 0 && first.expiresAt === null
  const isOne = made.length === 1
  // Only their numbers differ.
  const which = isOne
    ? lineOf('key update', first.name)
    : `latchkey key update --search ${shellWord(first.name.replace(/\d+$/, ''))} --all-matching --expect-count ${made.length}`
  const remark = isUnbound
    ? `${isOne ? 'It has' : 'They have'} no owner, no limit and no expiry. Set them with: ${which} --user USER --limit tokens=100k/5h --expires 90d`
    : undefined
  return [said, remark].filter(text => text !== undefined).join('\n') || undefined
}

const named = ([first, ...others]: readonly CreatedKey[]): string =>
  first && others.length === 0 ? `key ${first.name} (${first.id})` : `${others.length + 1} keys`
