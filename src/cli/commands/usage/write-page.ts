/** Writes a usage report to an HTML file. */
import { LatchkeyError } from '../../../contract/errors.ts'
import type { UsageOverview } from '../../../index.ts'
import { replaceFile, requireFree, withNewFile } from '../../../system/files.ts'
import type { Context } from '../../declare/declaration.ts'
import { usagePage } from '../../draw/page/usage.ts'

/** Where to write the page. */
interface PageFile {
  readonly file: string
  /** Whether it may replace a file. */
  readonly replace: boolean
}

/** Writes what `read` returns, and returns it. @throws conflict, usage, permission */
export async function writeUsagePage(
  ctx: Context,
  { file, replace }: PageFile,
  read: () => Promise<UsageOverview>,
): Promise<UsageOverview> {
  if (file === '-') {
    throw new LatchkeyError(
      'usage',
      '--html needs the name of a new file, not -',
      'name one: --html usage.html',
    )
  }
  const path = ctx.path(file)
  const fill = async (write: (text: string) => void): Promise<UsageOverview> => {
    const overview = await read()
    write(usagePage(overview))
    return overview
  }
  if (replace) return fill(text => replaceFile(path, text))
  const hint = 'name a new file, or overwrite that one with --force'
  // Fail before the report is computed.
  requireFree(path, hint)
  return withNewFile(path, hint, fill)
}
