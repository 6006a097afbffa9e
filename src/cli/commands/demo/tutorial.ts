/**
 * Shows the main tasks from start to end, on a temporary database. Runs the same commands that a person would type, so
 * everything it shows works.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DemoReport } from '../../../contract/views.ts'
import { founders, type SeedKey } from '../../../seed/organisation.ts'
import { typed } from '../../../text/quantity.ts'
import { shellWord } from '../../../text/shell-word.ts'
import type { Brush } from '../../declare/brush.ts'
import type { Invoke } from '../../declare/declaration.ts'
import { formatDuration } from '../../declare/times.ts'

type Step = DemoReport['steps'][number]

const day = 86_400_000

export async function tutorial(invoke: Invoke, now: Date): Promise<DemoReport> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-demo-'))
  const db = join(folder, 'latchkey.db')
  const steps: Step[] = []
  let ok = true

  const latchkey = async (about: string, line: string, expected = 0, stdin?: string): Promise<string> => {
    const ran = await invoke(line.split(' '), { db, ...(stdin === undefined ? {} : { stdin }) })
    ok &&= ran.code === expected
    const piped = stdin === undefined ? '' : 'printf %s "$secret" | '
    steps.push({
      about,
      command: `${piped}latchkey ${line}`,
      exit: ran.code,
      output: (ran.out + ran.err).trimEnd(),
    })
    return ran.out
  }
  const secretOf = (out: string): string => /^lk_\w+$/m.exec(out)?.[0] ?? ''
  const daysAgo = (days: number): string => new Date(now.getTime() - days * day).toISOString()

  try {
    steps.push({
      about: 'A temporary database',
      command: `export LATCHKEY_DB=${db}`,
      exit: 0,
      output: '',
    })
    await latchkey('', 'init')
    const { user, project, key, nightly, usage } = founders
    await latchkey(
      'A user, and a project that belongs to them',
      `user create ${user.username} --email ${user.email}`,
    )
    await latchkey('', `project create ${project.name} --owner ${project.owner}`)
    const created = await latchkey(
      'A key for the project, with an expiry and two rolling limits; its secret is shown only once',
      `key create ${key.name} --user ${key.user} --project ${key.project} --expires ${key.expiresInDays}d${limits(key)}`,
    )
    const secret = secretOf(created)
    await latchkey('And a key without an owner', `key create ${nightly.name}${limits(nightly)}`)
    for (const [index, used] of usage.entries()) {
      await latchkey(
        index === 0 ? 'What a gateway does through the library: charge each request to its key' : '',
        `usage record ${used.key} --model ${used.model} --input-tokens ${used.inputTokens} --output-tokens ${used.outputTokens} --cost-usd ${used.costUsd} --at ${daysAgo(used.daysAgo)}`,
      )
    }
    await latchkey('Who used what', 'usage report --by key,model')
    await latchkey('One key: totals, what is left of its limits, and each day', 'key stats ci --days 7')
    await latchkey(
      'May this secret be used for 20,000 tokens? Exit code 0 means yes',
      'key verify - --tokens 20000',
      0,
      secret,
    )
    await latchkey(
      'For more than is left? Exit code 4 means no, with the time to retry',
      'key verify - --tokens 90000',
      4,
      secret,
    )
    const rotated = secretOf(
      await latchkey('A new secret; the old one keeps working for a day', 'key rotate ci --grace 24h'),
    )
    await latchkey('A backup, taken while others may write, then checked', 'backup create')
    for (const suffix of ['', '-wal', '-shm']) rmSync(db + suffix, { force: true })
    steps.push({
      about: 'The accident',
      command: `rm ${['', '-wal', '-shm'].map(suffix => shellWord(db + suffix)).join(' ')}`,
      exit: 0,
      output: '',
    })
    await latchkey('Nothing works now; the error says what to do', 'key list', 78)
    await latchkey('Restore it', 'restore --latest --yes')
    await latchkey('Every key is back', 'key list')
    await latchkey('and both secrets work', 'key verify -', 0, secret)
    await latchkey('', 'key verify -', 0, rotated)
    await latchkey('Who did all this', 'audit list --limit 5')
    return { ok, steps }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** As typed: ` --limit tokens=100k/5h`. */
const limits = ({ limits }: SeedKey): string =>
  limits
    .map(({ metric, amount, windowMs }) => ` --limit ${metric}=${typed(amount)}/${formatDuration(windowMs)}`)
    .join('')

export function transcript(report: DemoReport, brush: Brush): string {
  const lines = report.steps.flatMap(step => [
    ...(step.about === '' ? [] : ['', brush.dim(`# ${step.about}`)]),
    brush.bold(`$ ${step.command}`),
    ...(step.output === '' ? [] : [step.output]),
    ...(step.exit === 0 ? [] : [brush.dim(`(exit code ${step.exit})`)]),
  ])
  const end = report.ok
    ? 'All of this ran on a temporary database, now deleted. To create your own: latchkey init'
    : 'A step above failed. Please report it with all of this output.'
  return [...lines, '', end].join('\n').trimStart()
}
