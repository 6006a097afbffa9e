import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { UsageRow } from '../../../contract/views.ts'
import { type TestLatchkey, temporaryLatchkey } from '../../../testing/latchkey.ts'
import { run } from '../../../testing/run.ts'
import { requireTool } from '../../../testing/tools.ts'

/** Names that could break markup, attributes, the text direction, or the layout. */
const hostile = [
  '<script>document.title = "taken"</script>',
  '"><img src=http://127.0.0.1:9/x onerror=alert(1)>',
  "'; </style><style>body{display:none}",
  'مفتاح',
  'a-name-that-goes-on-and-on-'.repeat(3),
]

let home: TestLatchkey
beforeAll(async () => {
  home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice', email: 'alice@example.org' })
  const names = [...hostile, ...Array.from({ length: 9 }, (_, n) => `key-${n}`)]
  for (const [n, name] of names.entries()) {
    await latchkey.keys.create({ name, ...(n % 2 ? { user: 'alice' } : {}) })
    for (let day = 1; day < 20; day += 3) {
      await latchkey.usage.record(name, {
        model: n % 3 ? 'gpt-x' : '<b>&amp;</b>',
        requests: n + day,
        inputTokens: 1_000 * (n + 1) * day,
        outputTokens: 77 * day,
        costUsd: (n + 1) * day * 0.001_234,
        at: new Date(Date.UTC(2026, 10, day, n)),
      })
    }
  }
})
afterAll(async () => {
  await home[Symbol.asyncDispose]()
})

const latchkey = (line: string | readonly string[]) =>
  run(line, { db: home.path, cwd: home.folder, now: home.clock.now, env: { LATCHKEY_TZ: 'Europe/Berlin' } })
const file = (name: string) => join(home.folder, name)

describe('the file', () => {
  test('is new, for its owner alone, and stdout says that it was written', async () => {
    const { code, out, err } = await latchkey('usage report --by day --html new.html')
    expect({ code, out, err }).toEqual({ code: 0, out: 'Wrote new.html\n', err: '' })
    expect(statSync(file('new.html')).mode & 0o777).toBe(0o600)
  })

  test('takes the place of another with --force, as a cron job needs it', async () => {
    writeFileSync(file('nightly.html'), 'before', { mode: 0o640 })
    expect((await latchkey('usage report --html nightly.html')).code).toBe(5)
    for (const _ of [1, 2])
      expect(await latchkey('usage report --html nightly.html --force')).toMatchObject({ code: 0, err: '' })
    expect(readFileSync(file('nightly.html'), 'utf8')).toStartWith('<!doctype html>')
    expect(statSync(file('nightly.html')).mode & 0o777).toBe(0o640)
    expect(await latchkey('usage report --html fresh.html --force')).toMatchObject({ code: 0 })
    expect(statSync(file('fresh.html')).mode & 0o777).toBe(0o600)
    // A failure keeps the old page.
    expect((await latchkey('usage report --key nobody --html nightly.html --force')).code).toBe(3)
    expect(readFileSync(file('nightly.html'), 'utf8')).toStartWith('<!doctype html>')
    expect((await latchkey('usage report --force')).code).toBe(2)
  })

  test('has the rows of two groups and a month with what they come to, and bars of what is sorted by', async () => {
    await latchkey('usage report --by user,model,month --sort cost --html three.html')
    const page = readFileSync(file('three.html'), 'utf8')
    expect(page).toContain('<h2 id="rows">By user, model and month</h2>')
    expect(page).toMatch(/<time datetime="2026-10-31T23:00:00.000Z">2026-11<\/time>/)
    const total = /<tfoot><tr><th class="name" scope="row" colspan="3">Total<\/th>(.*?)<\/tr><\/tfoot>/.exec(
      page,
    )?.[1]
    const [sum] = (await latchkey('usage report --json')).json<UsageRow[]>()
    const amounts = [...(total ?? '').matchAll(/<td>(?:<data value="([\d.]+)">)?([\d.]*)/g)]
    expect(amounts.map(([, exact, shown]) => Number(exact ?? shown))).toEqual([
      sum?.requests,
      sum?.inputTokens,
      sum?.outputTokens,
      sum?.tokens,
      sum?.costUsd,
    ] as number[])
    await latchkey('usage report --by user,model,month --top 1 --html top.html')
    expect(readFileSync(file('top.html'), 'utf8')).not.toContain('>Total<')
  })

  test('comes beside the rows for who asks for them', async () => {
    const { code, json } = await latchkey('usage report --by key --html beside.html --json')
    expect(code).toBe(0)
    expect(json<UsageRow[]>()).toHaveLength(14)
    expect(readFileSync(file('beside.html'), 'utf8')).toStartWith('<!doctype html>')
  })

  test('is the same to the byte for the same numbers', async () => {
    await latchkey('usage report --by key,day --html one.html')
    await latchkey('usage report --by key,day --html two.html')
    expect(readFileSync(file('one.html'), 'utf8')).toBe(readFileSync(file('two.html'), 'utf8'))
  })

  test.each([
    ['usage report --html there.html', 5, 'there.html already exists'],
    ['usage report --html nowhere/x.html', 2, 'there is no folder'],
    ['usage report --html -', 2, 'needs the name of a new file'],
    ['usage report --key nobody --html none.html', 3, 'nobody'],
    ['usage report --since 2026-11-20 --until 2026-11-01 --html none.html', 2, 'covers no time'],
  ])('%s is refused and leaves nothing', async (line, expected, said) => {
    writeFileSync(file('there.html'), 'mine')
    const { code, out, err } = await latchkey(line)
    expect({ code, out }).toEqual({ code: expected, out: '' })
    expect(err).toContain(said)
    expect(err).toContain('try: ')
    expect(existsSync(file('none.html'))).toBe(false)
    expect(readFileSync(file('there.html'), 'utf8')).toBe('mine')
  })

  test('of nothing says that there is nothing', async () => {
    await using empty = await temporaryLatchkey()
    const at = { db: empty.path, cwd: empty.folder }
    expect((await run('usage report --by key,day --html empty.html', at)).code).toBe(0)
    const text = readFileSync(join(empty.folder, 'empty.html'), 'utf8')
    expect(text).toContain('No usage in that time.')
    const day = 'usage report --by day --since 2026-11-01 --until 2026-11-02 --html day.html'
    expect((await run(day, at)).code).toBe(0)
    expect(readFileSync(join(empty.folder, 'day.html'), 'utf8')).toContain('>$0.00</data></td>')
    expect(text).not.toContain('<svg')
  })

  test('holds no script, no address, and one style that its policy names', async () => {
    await latchkey('usage report --by key,model --html alone.html')
    const text = readFileSync(file('alone.html'), 'utf8')
    expect(text).not.toMatch(/<script|<link|<img|<iframe|<style>body/)
    expect(text).not.toMatch(/\s(?:href|src|style|on\w+)="|@import|url\(/)
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(text) ?? []
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(text) ?? []
    const hash = new Bun.CryptoHasher('sha256').update(style).digest('base64')
    expect(policy).toStartWith('default-src &#x27;none&#x27;; style-src &#x27;sha256-')
    expect(policy).toContain(Bun.escapeHTML(`'sha256-${hash}'`))
  })
})

describe('in Chromium', () => {
  const withChromium = requireTool('chromium')
  let browser: Browser | undefined
  /** Pages of the same kind share one: making it takes longer than what is looked at. */
  const contexts = new Map<string, BrowserContext>()
  afterAll(() => browser?.close())

  /** The page, and everything that it requested and reported. */
  async function open(name: string, { colorScheme = 'light', ...options }: BrowserContextOptions) {
    // Loaded here, because it is not needed without Chromium.
    const { chromium } = await import('playwright-core')
    browser ??= await chromium.launch({
      executablePath: Bun.which('chromium') ?? '',
      // Tests may run as root.
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-sync'],
    })
    const kind = JSON.stringify(options)
    const context = contexts.get(kind) ?? (await browser.newContext(options))
    contexts.set(kind, context)
    const page = await context.newPage()
    await page.emulateMedia({ colorScheme })
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', message => complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))
    page.on('dialog', dialog => void dialog.dismiss().then(() => complaints.push('a dialog')))
    page.on('request', request => requests.push(request.url()))
    await page.goto(`file://${file(name)}`)
    return { page, complaints, requests, [Symbol.asyncDispose]: () => page.close() }
  }

  const command = 'usage report --by key,day --since 2026-11-01 --until 2026-11-21'

  beforeAll(async () => {
    await latchkey(`${command} --html page.html`)
    await latchkey('usage report --by day --since 2026-11-01 --sort cost --html days.html')
  })

  const sizes = [320, 360, 768, 1_280, 2_560]
  for (const colorScheme of ['light', 'dark'] as const) {
    withChromium(
      `${colorScheme}: reads well at any width, asks for nothing and complains of nothing`,
      async () => {
        await using shown = await open('page.html', { colorScheme })
        const { page, complaints, requests } = shown
        for (const width of sizes) {
          await page.setViewportSize({ width, height: 800 })
          expect(
            await page
              .locator(':root')
              .evaluate(({ ownerDocument: document }) => document.documentElement.scrollWidth),
          ).toBe(width)
        }
        expect(complaints).toEqual([])
        expect(requests).toEqual([`file://${file('page.html')}`])
        expect(await page.title()).toMatch(/^Usage, 1\s–\s20 November 2026$/)
        const background = await page
          .locator(':root')
          .evaluate(
            ({ ownerDocument: document }) =>
              document.defaultView.getComputedStyle(document.body).backgroundColor,
          )
        expect(background).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 26)')
        // WCAG 2.2, 1.4.3 (text) and 1.4.11 (bars).
        for (const { selector, ratio } of await contrasts(page)) {
          expect(ratio, selector).toBeGreaterThanOrEqual(selector.includes('rect') ? 3 : 4.5)
        }
      },
    )
  }

  withChromium('names are text, and only text', async () => {
    await using shown = await open('page.html', {})
    const names = await shown.page.locator('table[data-rows="key,day"] bdi').allInnerTexts()
    expect(hostile.slice(0, 4).filter(name => !names.includes(name))).toEqual([])
    expect(await shown.page.locator('img, script, main style, b').count()).toBe(0)
  })

  withChromium(
    'every table has a caption and headers with a scope, every chart a title and a description',
    async () => {
      for (const name of ['page.html', 'days.html']) {
        await using shown = await open(name, {})
        const found = await shown.page.locator(':root').evaluate(({ ownerDocument: document }) => ({
          tables: document.querySelectorAll('table').length,
          bare: [...document.querySelectorAll('table')].filter(table => !table.caption?.textContent?.trim())
            .length,
          unscoped: document.querySelectorAll('th:not([scope])').length,
          rowsWithoutHeader: [...document.querySelectorAll('tbody tr')].filter(
            row => !row.querySelector('th'),
          ).length,
          headings: [...document.querySelectorAll('h1, h2')].map(each => each.tagName).join(' '),
          twice: [...document.querySelectorAll('[id]')]
            .map(each => each.id)
            .filter((id, n, all) => all.indexOf(id) < n),
          dangling: [...document.querySelectorAll('[aria-labelledby]')]
            .flatMap(each => (each.getAttribute('aria-labelledby') ?? '').split(' '))
            .filter(id => document.getElementById(id) === null),
          unnamed: [...document.querySelectorAll('svg:not([aria-hidden])')].filter(
            svg =>
              svg.getAttribute('role') !== 'img' || !svg.querySelector('title') || !svg.querySelector('desc'),
          ).length,
          charts: document.querySelectorAll('svg[role=img]').length,
        }))
        expect(found).toEqual({
          ...found,
          bare: 0,
          unscoped: 0,
          rowsWithoutHeader: 0,
          twice: [],
          dangling: [],
          unnamed: 0,
          charts: 1,
        })
        expect(found.tables).toBeGreaterThan(2)
        expect(found.headings).toMatch(/^H1( H2)+$/)
      }
    },
  )

  withChromium("the table's numbers are the JSON's, and the bars are theirs", async () => {
    await using shown = await open('page.html', {})
    const { page } = shown
    const rows = (await latchkey(`${command} --json`)).json<(UsageRow & { readonly start: string })[]>()
    expect(rows.length).toBeGreaterThan(50)
    const numbers = (row: UsageRow) => [
      row.requests,
      row.inputTokens,
      row.outputTokens,
      row.tokens,
      row.costUsd,
    ]
    expect(await tableOf(page, 'key,day')).toEqual(
      rows.map(row => ({ time: row.start, name: row.key?.name ?? '', numbers: numbers(row) })),
    )
    const days = (await latchkey('usage report --by day --since 2026-11-01 --until 2026-11-21 --json')).json<
      (UsageRow & { readonly start: string })[]
    >()
    expect((await tableOf(page, 'day')).map(row => row.numbers)).toEqual(days.map(numbers))
    const heights = await page
      .locator('svg.columns rect')
      .evaluateAll(rects => rects.map(rect => Number(rect.getAttribute('height'))))
    const most = Math.max(...days.map(row => row.tokens))
    const tallest = Math.max(...heights)
    for (const [n, { tokens }] of days.entries()) {
      expect(Math.abs((heights[n] ?? 0) / tallest - tokens / most)).toBeLessThan(0.01)
    }
  })

  withChromium('printed it is light, and nothing is left folded', async () => {
    await using shown = await open('page.html', { colorScheme: 'dark' })
    await shown.page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    const seen = await shown.page.locator(':root').evaluate(({ ownerDocument: document }) => ({
      background: document.defaultView.getComputedStyle(document.body).backgroundColor,
      height: document.querySelector('details table')?.getBoundingClientRect().height ?? 0,
    }))
    expect(seen.background).toBe('rgb(255, 255, 255)')
    expect(seen.height).toBeGreaterThan(100)
  })

  withChromium('without scripts it opens and folds, by the keyboard alone', async () => {
    await using shown = await open('page.html', { javaScriptEnabled: false })
    const table = shown.page.locator('details table')
    expect(await table.isVisible()).toBe(false)
    await shown.page.locator('summary').focus()
    await shown.page.keyboard.press('Enter')
    await table.waitFor({ state: 'visible' })
  })
})

const tableOf = (page: Page, by: string) =>
  page.locator(`table[data-rows="${by}"] tbody tr`).evaluateAll(rows =>
    rows.map(row => ({
      time: row.querySelector('time')?.getAttribute('datetime') ?? '',
      name: row.querySelector('bdi')?.textContent ?? '',
      numbers: [...row.querySelectorAll('td:not([class])')].map(cell =>
        Number(cell.querySelector('data')?.value ?? cell.textContent),
      ),
    })),
  )

/** The contrast of a painted colour with the page, as WCAG 2.2 defines it. */
const contrasts = (page: Page) =>
  page.locator(':root').evaluate(({ ownerDocument: document }) => {
    const luminance = (color: string): number => {
      const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map(part => {
        const value = Number(part) / 255
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const behind = luminance(document.defaultView.getComputedStyle(document.body).backgroundColor)
    const selectors = [
      'h1',
      '.about',
      'dt',
      'dd',
      'caption',
      'thead th',
      'td',
      'footer',
      'svg text',
      'svg rect',
    ]
    return selectors.map(selector => {
      const element = document.querySelector(selector)
      if (element === null) return { selector, ratio: 0 }
      const { color, fill } = document.defaultView.getComputedStyle(element)
      const front = luminance(selector.startsWith('svg') ? fill : color)
      return { selector, ratio: (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05) }
    })
  })
