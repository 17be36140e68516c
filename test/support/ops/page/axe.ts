import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** Rules whose outcome may differ by the colour scheme or the width. */
export const LOOKS = ['color-contrast', 'target-size', 'scrollable-region-focusable', 'link-in-text-block']

/**
 * What axe-core finds wrong with the page as it is: each rule, and where.
 *
 * @param rules default: all that it has, best practices too
 */
export async function axeFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  const options = {
    resultTypes: ['violations'],
    ...(rules !== undefined && { runOnly: { type: 'rule', values: rules } }),
  }
  // By the debugger, whose scripts the page's policy doesn't hold back.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${JSON.stringify(options)})`)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary.split('\n').at(-1)!.trim()}`,
    ),
  )
}
