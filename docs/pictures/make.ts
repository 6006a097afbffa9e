/** `bun run pictures`: draws the pictures of the README. The PNGs need Chromium, and only when the report has changed. */
import { join } from 'node:path'
import { draw, reportSize, themes } from './pictures.ts'

const { svgs, report, reportHash } = await draw()
for (const [name, svg] of svgs) await Bun.write(join(import.meta.dir, name), svg)

const taken = Bun.file(join(import.meta.dir, 'report.sha256'))
if (!(await taken.exists()) || (await taken.text()) !== reportHash) {
  await photograph()
  await taken.write(reportHash)
}

async function photograph(): Promise<void> {
  const executablePath = Bun.which('chromium')
  if (executablePath === null) throw new Error('the HTML report has changed, and its pictures need chromium')
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  const { scale, ...viewport } = reportSize
  for (const colorScheme of themes) {
    const page = await browser.newPage({ viewport, deviceScaleFactor: scale, colorScheme })
    await page.setContent(report)
    await page.screenshot({ path: join(import.meta.dir, `report-${colorScheme}.png`) })
  }
  await browser.close()
}
