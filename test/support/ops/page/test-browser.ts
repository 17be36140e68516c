import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchChromium } from './chromium.ts'

export interface VisitOptions {
  readonly width?: 320 | 1280
  readonly scheme?: 'light' | 'dark'
  /** Signs in first. */
  readonly token?: string
  /** What the test makes happen, of what otherwise counts as trouble. */
  readonly expected?: RegExp
  /** What the clock of the machine shows, and goes on to show. */
  readonly at?: number
  /** Beside another tab, with its cookies. */
  readonly beside?: Page
}

/** For what the page is to show. */
const LONGEST_WAIT_MS = 120_000

/** Reports what the page's policy held back, which a page may else hide. */
const REPORT_POLICY = `document.addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`

/**
 * A Chromium for a test file, with a profile of its own for each visit. It writes down all trouble of the pages: errors in the console,
 * exceptions, what the policy held back, requests to elsewhere, dialogs.
 */
export class TestBrowser {
  readonly #browser: Browser
  readonly #contexts = new Set<BrowserContext>()
  #trouble: string[] = []

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async launch(): Promise<TestBrowser> {
    return new TestBrowser(await launchChromium())
  }

  /** @param url of an OpsServer's page, with what is asked for */
  async visit(url: string, options: VisitOptions = {}): Promise<Page> {
    const { width = 1280, scheme = 'light', token, expected, beside, at } = options
    const context =
      beside?.context() ??
      (await this.#browser.newContext({
        viewport: { width, height: 800 },
        colorScheme: scheme,
        reducedMotion: 'reduce',
        locale: 'en-GB',
        timezoneId: 'UTC',
      }))
    context.setDefaultTimeout(LONGEST_WAIT_MS)
    this.#contexts.add(context)
    const page = await context.newPage()
    await page.addInitScript(REPORT_POLICY)
    if (at !== undefined) await page.clock.setFixedTime(at)
    this.#watch(page, new URL(url).origin, expected)
    if (token !== undefined) await signIn(page, url, token)
    await page.goto(url)
    return page
  }

  /** Closes all pages. @returns the trouble that they had */
  async endVisits(): Promise<string[]> {
    const trouble = this.#trouble
    this.#trouble = []
    await Promise.all([...this.#contexts].map((context) => context.close()))
    this.#contexts.clear()
    return trouble
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }

  #watch(page: Page, origin: string, expected: RegExp | undefined): void {
    const note = (text: string): void => {
      if (expected?.test(text) !== true) this.#trouble.push(text)
    }
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) note(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => note(`exception: ${error.message}`))
    page.on('dialog', (dialog) => {
      note(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      const asked = new URL(request.url())
      if (asked.protocol !== 'data:' && asked.origin !== origin) note(`request: ${request.url()}`)
    })
  }
}

/** As the page does it: the answer sets a cookie. */
async function signIn(page: Page, url: string, token: string): Promise<void> {
  const address = new URL('api/v1/session', url.split('?')[0])
  const answer = await page.request.post(address.href, {
    headers: { 'x-runutil': '1', origin: address.origin },
    data: { token },
  })
  if (!answer.ok()) throw new Error(`sign in: ${answer.status()} ${await answer.text()}`)
}
