/** `bun run docs`: writes the generated pages. */
import { join } from 'node:path'
import { pages } from './pages.ts'

const root = join(import.meta.dir, '../../..')
for (const [path, text] of Object.entries(await pages())) await Bun.write(join(root, path), text)
