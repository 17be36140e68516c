import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { VIEWS, type View } from '../../../packages/runutil/src/ops/page/router.ts'
import { LOOKS, axeFindings } from '../../support/ops/page/axe.ts'
import { whyNoBrowser } from '../../support/ops/page/chromium.ts'
import { LARGE, evil, openHostile } from '../../support/ops/page/hostile.ts'
import { openShop } from '../../support/ops/page/shop.ts'
import { type ShownService, TOKEN } from '../../support/ops/page/shown-service.ts'
import { TestBrowser } from '../../support/ops/page/test-browser.ts'

// Of the process that the pictures show.
vi.mock('node:os', async (original) => ({ ...(await original<object>()), hostname: () => 'shop-1' }))

/** UPDATE_SCREENSHOTS=1 takes the pictures of the docs again. */
const isUpdate = process.env['UPDATE_SCREENSHOTS'] === '1'
const pictureOf = (view: string, scheme: string): string => `images/ops/${view}-${scheme}.png`
const inDocs = (path: string): string => fileURLToPath(new URL(`../../../docs/${path}`, import.meta.url))

/** What of each view its picture shows, and a text that it has once all is there. */
const SHOWN: Record<View, readonly [search: string, text: string]> = {
  tree: ['&selected=/Orders/Jobs', 'export-7'],
  queue: ['&selected=export-7', 'orders.csv'],
  units: ['&namespace=crawl&spec=pages', '/page/'],
  pools: ['', '/Orders/Pictures'],
  actions: ['', 'out of paper'],
  leases: ['', 'cleanup'],
  replicas: ['', 'shop-3'],
  doctor: ['', 'node'],
}

/** As high as what it shows, but not higher than a screen. */
async function takePicture(page: Page, path: string): Promise<void> {
  const bottom = await page.evaluate<number>(
    `Math.max(...Array.from(document.querySelectorAll('main *'), (one) => one.getBoundingClientRect().bottom))`,
  )
  const height = Math.min(800, Math.max(400, Math.ceil(bottom) + 16))
  await page.screenshot({ path, clip: { x: 0, y: 0, width: 1_280, height } })
}

describe.skipIf(whyNoBrowser !== undefined)('a view', () => {
  let browser: TestBrowser
  let shop: ShownService
  let hostile: ShownService
  beforeAll(async () => {
    ;[browser, shop, hostile] = await Promise.all([TestBrowser.launch(), openShop(30), openHostile()])
  })
  afterEach(async () => expect(await browser.endVisits()).toEqual([]))
  afterAll(async () => {
    await browser.close()
    await shop[Symbol.asyncDispose]()
    await hostile[Symbol.asyncDispose]()
  })

  describe.each(VIEWS)('%s', (view) => {
    const [search, text] = SHOWN[view]
    const visit = async (rest: string): Promise<Page> => {
      const page = await browser.visit(`${shop.url}?view=${view}${rest}`, {
        token: TOKEN,
        at: shop.clock.now(),
      })
      await page.getByRole('main').getByText(text).filter({ visible: true }).first().waitFor()
      return page
    }

    it('is accessible in light and dark, wide and narrow, and fits into 320 pixels', async () => {
      const page = await visit(search)
      expect(await axeFindings(page)).toEqual([])
      if (isUpdate) await takePicture(page, inDocs(pictureOf(view, 'light')))
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await axeFindings(page, LOOKS)).toEqual([])
      if (isUpdate) await takePicture(page, inDocs(pictureOf(view, 'dark')))
      await page.setViewportSize({ width: 320, height: 800 })
      expect(await axeFindings(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    })
  })

  it.each<[search: string, texts: string[]]>([
    ['tree', ['worker', 'message']],
    [`tree&selected=/${encodeURIComponent(evil('worker'))}`, ['worker', 'message']],
    ['tree&selected=/Jobs', ['kind', 'note']],
    ['queue', ['kind', 'key', 'error', 'note']],
    ['queue&selected=fails', ['error']],
    [`queue&selected=${encodeURIComponent(evil('job'))}`, ['job', 'name', 'payload', 'field', 'result']],
    ['units', ['namespace', 'spec']],
    ['actions', ['target', 'host', 'action']],
    ['leases', ['lease']],
    ['replicas', ['replica', 'host', 'version']],
  ])('%s shows them as texts', async (search, texts) => {
    const page = await browser.visit(`${hostile.url}?view=${search}`, { token: TOKEN })
    for (const text of texts) await page.getByText(evil(text)).filter({ visible: true }).first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
  })

  it('a payload of 4 MiB is shown by its beginning', async () => {
    const page = await browser.visit(`${hostile.url}?view=queue&selected=${LARGE}`, { token: TOKEN })
    await page.getByText(/shown: the first .* of 4\.0 MiB/).waitFor()
    expect(await axeFindings(page)).toEqual([])
  })
})

it('each view stands in the manual, light and dark', () => {
  const manual = readFileSync(inDocs('operating.md'), 'utf8')
  const pictures = VIEWS.flatMap((view) => [pictureOf(view, 'light'), pictureOf(view, 'dark')])
  const missing = pictures.filter((path) => !manual.includes(`"${path}"`) || !existsSync(inDocs(path)))
  expect(missing).toEqual([])
})
