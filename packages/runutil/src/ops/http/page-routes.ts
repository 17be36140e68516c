import type { IncomingMessage } from 'node:http'
import type { Answer } from './answer.ts'
import { type PageFile, pageFile } from './page-files.ts'
import type { Route } from './route.ts'
import { TEXT } from './schemas.ts'

/** What a framework keeps of the address when it takes off the path that a handler is mounted at. */
type MaybeMounted = IncomingMessage & { readonly originalUrl?: string }

/** The page for operators, at the base path, and what it is made of. Whoever may not read can sign in by it. */
export const PAGE_ROUTES: readonly Route[] = [
  {
    ...page('', 'The page', 'text/html'),
    handle: ({ request }) => withSlash(request) ?? answerOf('index.html', request),
  },
  {
    ...page('page.js', 'Its program', 'text/javascript'),
    handle: ({ request }) => answerOf('page.js', request),
  },
  {
    ...page('page.css', 'Its looks', 'text/css'),
    handle: ({ request }) => answerOf('page.css', request),
  },
  {
    ...page('icon.svg', 'Its icon', 'image/svg+xml'),
    handle: ({ request }) => answerOf('icon.svg', request),
  },
]

function page(path: string, summary: string, type: string) {
  const answers = { 200: { about: 'the file', schema: TEXT, type } }
  return { method: 'GET', path, access: 'page', summary, part: 'page', answers } as const
}

/** All addresses in the page are relative to a path that ends with a slash. Undefined if it does. */
function withSlash(request: MaybeMounted): Answer | undefined {
  const [path = '', search] = (request.originalUrl ?? request.url ?? '').split(/\?(.*)/s)
  if (path === '' || path.endsWith('/')) return undefined
  // Relative, since a proxy may have taken off the beginning of the path.
  const location = `./${path.slice(path.lastIndexOf('/') + 1)}/${search === undefined ? '' : `?${search}`}`
  return { status: 308, type: 'text/plain; charset=utf-8', body: `See ${location}\n`, headers: { location } }
}

async function answerOf(name: PageFile, { headers }: IncomingMessage): Promise<Answer> {
  const { type, bytes, gzipped } = await pageFile(name)
  const vary = 'accept-encoding'
  if (!acceptsGzip(headers['accept-encoding'])) return { status: 200, type, body: bytes, headers: { vary } }
  return { status: 200, type, body: gzipped, headers: { vary, 'content-encoding': 'gzip' } }
}

function acceptsGzip(header: string | readonly string[] | undefined): boolean {
  const coding = String(header ?? '')
    .split(',')
    .find((one) => /^\s*gzip\b/i.test(one))
  return coding !== undefined && !/;\s*q=0(\.0*)?\s*$/.test(coding)
}
