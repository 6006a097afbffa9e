/** Puts a report of usage into a new HTML file. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { UsageOverview } from '../../../index.ts'
import { withNewFile } from '../../../system/new-file.ts'
import type { Context } from '../../declare/declaration.ts'
import { usagePage } from '../../draw/page/usage.ts'

/** Writes what `read` gives, and gives it back. @throws conflict, usage, permission */
export async function writeUsagePage(
  ctx: Context,
  typed: string,
  read: () => Promise<UsageOverview>,
): Promise<UsageOverview> {
  if (typed === '-') {
    throw new LatchkeyError('usage', '--html names a new file, and - is none', 'name it: --html usage.html')
  }
  return withNewFile(ctx.path(typed), async write => {
    const overview = await read()
    await write(usagePage(overview))
    return overview
  })
}
