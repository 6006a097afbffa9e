/** The pictures of the README show what the program draws now. */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { draw, reportSize, themes } from '../docs/pictures/pictures.ts'

const root = join(import.meta.dir, '..')
const folder = join(root, 'docs/pictures')
const stored = (name: string) => readFileSync(join(folder, name), 'utf8')

test('the pictures are those that `bun run pictures` draws', async () => {
  const { svgs, reportHash } = await draw()
  for (const [name, svg] of svgs) expect(stored(name), `${name}: bun run pictures`).toBe(svg)
  expect(stored('report.sha256'), 'the HTML report: bun run pictures').toBe(reportHash)
}, 600_000)

test('the pictures of the report have the size of the page', () => {
  const { width, height, scale } = reportSize
  for (const theme of themes) {
    const png = readFileSync(join(folder, `report-${theme}.png`))
    // https://www.w3.org/TR/png-3/#11IHDR
    expect(png.toString('latin1', 1, 4)).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([width * scale, height * scale])
  }
})

test('the README shows every picture, the dark one to readers of dark pages', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const shown = [
    ...readme.matchAll(
      /<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="docs\/pictures\/(.+)-dark\.(\w+)">\s*<img alt="[^"]+" src="docs\/pictures\/\1-light\.\2" width="\d+">\s*<\/picture>/g,
    ),
  ].flatMap(([, name, type]) => themes.map(theme => `${name}-${theme}.${type}`))
  const drawn = readdirSync(folder).filter(name => /\.(svg|png)$/.test(name))
  expect(shown.toSorted()).toEqual(drawn.toSorted())
})
