/** `bun run docs`: writes the generated pages. */
import { join } from 'node:path'
import { pages, writePages } from './pages.ts'

writePages(join(import.meta.dir, '../../..'), await pages())
