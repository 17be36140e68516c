import type { Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings } from '../../support/ops/page/axe.ts'
import { whyNoBrowser } from '../../support/ops/page/chromium.ts'
import { openShop } from '../../support/ops/page/shop.ts'
import { type ShownService, TOKEN } from '../../support/ops/page/shown-service.ts'
import { TestBrowser } from '../../support/ops/page/test-browser.ts'

/** What the browser itself writes of answers that refuse. */
const REFUSED = /Failed to load resource/

describe.skipIf(whyNoBrowser !== undefined)('on the page', () => {
  let browser: TestBrowser
  let shop: ShownService
  beforeAll(async () => {
    ;[browser, shop] = await Promise.all([TestBrowser.launch(), openShop(1)])
    shop.tick()
  })
  afterEach(async () => expect(await browser.endVisits()).toEqual([]))
  afterAll(async () => {
    await browser.close()
    await shop[Symbol.asyncDispose]()
  })

  const control = (search: string): Promise<Page> => browser.visit(`${shop.url}${search}`, { token: TOKEN })
  const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true })
  const state = (page: Page): Locator => page.getByRole('complementary').locator('.mark').first()
  const told = (page: Page, text: string): Promise<void> => page.getByRole('status').getByText(text).waitFor()

  describe('whoever may only read', () => {
    it('has no buttons that change anything, until they show the token', async () => {
      const page = await browser.visit(`${shop.url}?view=tree&selected=/Sync`, { expected: REFUSED })
      await page.getByText('read-only').waitFor()
      expect(await page.getByRole('complementary').getByRole('button').allTextContents()).toEqual(['✕'])

      await button(page, 'Sign in').click()
      await page.getByLabel('Token').fill('not the token')
      await page.keyboard.press('Enter')
      await page.getByText('That is no token of this server.').waitFor()
      expect(await axeFindings(page)).toEqual([])
      await page.getByLabel('Token').fill(TOKEN)
      await page.keyboard.press('Enter')
      await button(page, 'trigger').waitFor()

      await button(page, 'Sign out').click()
      await page.getByText('read-only').waitFor()
      await button(page, 'trigger').waitFor({ state: 'detached' })
    })

    it('is asked for a token first where there is a readToken, and is shown where the token came from', async () => {
      const url = await shop.serve({ readToken: 'may-look', token: TOKEN })
      const page = await browser.visit(`${url}?view=leases`, { expected: REFUSED })
      await page.getByLabel('Token').fill('may-look')
      await page.keyboard.press('Enter')
      await page.getByText('read-only').waitFor()
      expect(new URL(page.url()).search).toBe('?view=leases')
    })
  })

  describe('by keyboard alone', () => {
    it('one gets to a view, a worker, its buttons and back', async () => {
      const page = await control('')
      await page.getByRole('treegrid').waitFor()
      const press = async (...keys: string[]): Promise<void> => {
        for (const key of keys) await page.keyboard.press(key)
      }
      const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent.trim()')
      await press('Tab')
      expect(await focused()).toBe('Skip to the view')
      await press('Enter', 'Tab')
      while (!(await focused()).startsWith('this process')) await press('Tab')
      await press('End', 'Home', 'ArrowDown', 'ArrowDown')
      expect(await focused()).toMatch(/^Orders/)
      await press('ArrowLeft')
      await expect.poll(() => page.getByRole('row', { name: 'Jobs queue' }).count()).toBe(0)
      await press('ArrowRight', 'ArrowRight', 'Enter')
      await page.getByRole('heading', { name: '/Orders/Jobs' }).waitFor()

      while ((await focused()) !== 'stop') await press('Tab')
      await press('Enter')
      await page.getByRole('dialog', { name: 'stop /Orders/Jobs?' }).waitFor()
      expect(await axeFindings(page)).toEqual([])
      await press('Escape')
      await expect.poll(focused).toBe('stop')
      await press('Escape')
      await expect.poll(focused).toMatch(/^Jobs/)
      expect(new URL(page.url()).search).toBe('?view=tree')
    })
  })

  describe('a worker', () => {
    it.each([
      [
        '/Sync',
        [
          ['pause', 'paused'],
          ['resume', 'ready'],
          ['trigger', 'ready'],
        ],
      ],
      [
        '/Storefront/Catalogue',
        [
          ['stop!', 'stopped'],
          ['start', 'ready'],
          ['restart!', 'ready'],
        ],
      ],
      ['/Orders/Pictures', [['reset!', 'ready']]],
    ] as const)('%s is changed by its buttons: %s', async (path, verbs) => {
      const page = await control(`?view=tree&selected=${path}`)
      for (const [name, after] of verbs) {
        const verb = name.replace('!', '')
        await button(page, verb).click()
        if (verb !== name) await page.getByRole('dialog').getByRole('button', { name: verb }).click()
        await told(page, `${verb} ${path}`)
        await expect.poll(() => state(page).textContent()).toBe(after)
      }
    })
  })

  describe('of the queue', () => {
    const waiting = async (): Promise<number> =>
      (await shop.queue.stats()).find(({ kind }) => kind === 'newsletter')!.waiting
    const confirm = (page: Page, name: string): Promise<void> =>
      page.getByRole('dialog').getByRole('button', { name, exact: true }).click()

    it('a kind is paused and resumed', async () => {
      const page = await control('?view=queue')
      const mail = page.getByLabel('Kinds of jobs').getByRole('row', { name: /^mail/ })
      await button(page, 'pause mail').click()
      await mail.getByText('paused', { exact: true }).waitFor()
      expect(await shop.queue.paused()).toContain('mail')
      await button(page, 'resume mail').click()
      await mail.getByText('paused', { exact: true }).waitFor({ state: 'detached' })
    })

    it('a job is cancelled, retried and deleted, each after a question where something is lost', async () => {
      await shop.queue.enqueue({ id: 'letter', kind: 'newsletter' })
      const page = await control('?view=queue&selected=letter')
      await button(page, 'cancel').click()
      await confirm(page, 'cancel')
      await expect.poll(() => state(page).textContent()).toBe('FAILED')
      await button(page, 'retry').click()
      await expect.poll(() => state(page).textContent()).toBe('PENDING')
      await button(page, 'delete').click()
      await confirm(page, 'delete')
      await page.getByRole('complementary').waitFor({ state: 'detached' })
      expect(await shop.queue.get('letter')).toBeUndefined()
    })

    it('all that match are changed, and no more than were counted', async () => {
      const page = await control('?view=queue&kind=newsletter&status=WAITING')
      const before = await waiting()
      await button(page, 'cancel open …').click()
      await page.getByRole('dialog', { name: `cancel ${before} jobs?` }).waitFor()
      expect(await axeFindings(page)).toEqual([])
      await shop.queue.enqueue({ kind: 'newsletter' })
      await confirm(page, `cancel ${before} jobs`)
      await told(page, `${before} jobs changed`)
      expect(await waiting()).toBe(1)
    })

    it('filters are in the address, and a copy of it shows the same', async () => {
      const page = await control('?view=queue')
      await page.getByLabel('Status').selectOption('FAILED')
      await page.getByLabel('Id begins with').fill('newsletter-1')
      await expect.poll(() => new URL(page.url()).searchParams.get('idPrefix')).toBe('newsletter-1')
      const copy = await browser.visit(page.url())
      await expect.poll(() => copy.getByLabel('Jobs', { exact: true }).getByRole('row').count()).toBe(12)
    })
  })

  describe('in the views of what all processes share', () => {
    it('a spec is paused and resumed, and a failed unit of it retried', async () => {
      const crawl = await shop.coordinate.namespace('crawl')
      const unit = await (await crawl.workSpec('archive')).workUnit('/old/3')
      await (await (await crawl.worker('tester')).makeAttempt(unit)).fail({ reason: 'no such page' })
      const page = await control('?view=units')
      const row = page.getByRole('row', { name: 'crawl/archive' })
      await button(page, 'resume crawl/archive').click()
      await row.getByText('on', { exact: true }).waitFor()
      await button(page, 'pause crawl/archive').click()
      await row.getByText('paused').waitFor()

      await row.getByRole('link', { name: 'crawl/archive' }).click()
      await page.getByRole('link', { name: '1 failed' }).click()
      await page.getByRole('row', { name: '/old/3' }).press('Enter')
      await page.getByRole('table', { name: 'Attempts' }).getByText('tester').waitFor()
      expect(await axeFindings(page)).toEqual([])
      await button(page, 'retry').click()
      await told(page, 'retry /old/3: 1 unit is available again')
      await expect.poll(() => state(page).textContent()).toBe('available')
      await button(page, 'retry 1 failed unit').waitFor({ state: 'detached' })
    })

    it('an action is found by a field of its input, and shown with all of it', async () => {
      const page = await control('?view=actions')
      await page.getByLabel('Input or output').fill('input.version')
      await page.getByText('needs a value').waitFor()
      await page.getByLabel('Input or output').fill('input.version=101')
      await expect.poll(() => page.getByRole('row').count()).toBe(2)
      await page.getByRole('row', { name: 'office' }).press('Enter')
      await page.getByLabel('Input', { exact: true }).getByText('"version": 101').waitFor()
      await page.getByRole('complementary').getByRole('link', { name: 'office' }).click()
      await expect.poll(() => page.getByRole('row', { name: 'office' }).count()).toBe(2)
      await page.getByRole('link', { name: 'Live workers (3)' }).click()
      await page.getByRole('row', { name: 'office' }).getByText('60 of 100').waitFor()
    })

    it('a process leads to its tree, and a lease to the worker that holds it', async () => {
      const page = await control('?view=replicas')
      await page.getByRole('row', { name: 'lost' }).getByText('shop-3').waitFor()
      await page.getByRole('link', { name: 'Leases' }).click()
      await page.getByRole('link', { name: '/Rates' }).click()
      await page.getByRole('heading', { name: '/Rates' }).waitFor()
    })

    it.each(['units', 'pools', 'actions', 'leases', 'replicas', 'doctor'])(
      'whoever may only read sees no buttons that change anything: %s',
      async (view) => {
        const page = await browser.visit(`${shop.url}?view=${view}`)
        await page.getByRole('main').getByRole('search').waitFor()
        const names = /pause|resume|retry|reset|stop|start/
        expect(await page.getByRole('main').getByRole('button', { name: names }).count()).toBe(0)
      },
    )

    it.each([
      ['units', 'coordinate'],
      ['actions', 'dispatch'],
      ['leases', 'leases'],
    ])('what the server was not given is said: %s', async (view, option) => {
      const url = await shop.serve({ [option]: undefined })
      const page = await browser.visit(`${url}?view=${view}`, { expected: REFUSED })
      await page.getByText(`give the OpsServer the option '${option}'`).waitFor()
    })
  })

  it('two tabs share the session, and what one changes the other shows', async () => {
    const one = await control('?view=tree&selected=/Sync')
    const two = await browser.visit(`${shop.url}?view=tree&selected=/Sync`, { beside: one })
    await button(one, 'pause').click()
    await expect.poll(() => state(two).textContent()).toBe('paused')
    await button(two, 'resume').click()
    await expect.poll(() => state(one).textContent()).toBe('ready')
  })

  it('a tab that nobody sees has no stream, and follows again when it is shown', async () => {
    const page = await control('')
    const show = (isHidden: boolean): Promise<void> =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    await page.getByText('live', { exact: true }).waitFor()
    await expect.poll(() => shop.streams).toBe(1)
    await show(true)
    await page.getByText('paused while hidden').waitFor()
    await expect.poll(() => shop.streams).toBe(0)
    await show(false)
    await page.getByText('live', { exact: true }).waitFor()
  })

  it('a lost connection is said, with what was known, until it is there again', async () => {
    const page = await browser.visit(shop.url, { expected: /Failed to load resource|ERR_/ })
    await page.getByText('live', { exact: true }).waitFor()
    shop.cut(true)
    await page.getByText(/connection lost/).waitFor()
    await page.getByText(/What is shown is as it was then/).waitFor()
    expect(await page.getByRole('row', { name: 'Jobs queue' }).count()).toBe(1)
    expect(await axeFindings(page)).toEqual([])
    shop.cut(false)
    await page.getByText('live', { exact: true }).waitFor()
  })

  it.each(['/deep/ops', '/deep/ops/', '/deep/ops/?view=leases'])(
    'is served where it is mounted: %s',
    async (path) => {
      const mounted = await shop.serve({ basePath: '/deep/ops', token: TOKEN })
      const page = await browser.visit(new URL(path, mounted).href)
      await page.getByText('live', { exact: true }).waitFor()
      expect(new URL(page.url()).pathname).toBe('/deep/ops/')
    },
  )
})
