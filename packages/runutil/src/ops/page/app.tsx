import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { serverNow } from './api.ts'
import { LiveContext, NowContext, PageContext, useLive, usePage } from './page-context.ts'
import { ConfirmDialog } from './parts/confirm-dialog.tsx'
import { Header, useLateness } from './parts/header.tsx'
import { Mark } from './parts/mark.tsx'
import { Navigation, TITLES } from './parts/navigation.tsx'
import { FailureNotice } from './parts/notice.tsx'
import { Outcomes } from './parts/outcomes.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { useMessages } from './use-messages.ts'
import { useRoute } from './use-route.ts'
import { useSession } from './use-session.ts'
import { useStream } from './use-stream.ts'
import { VIEW_PARTS } from './views/view-parts.ts'

/** All of the page: who may see it, and what goes on in the view that the address asks for. */
export function App() {
  const navigation = useRoute()
  const { session, failure, reload, signOut } = useSession()
  const [isAsking, setAsking] = useState(false)
  const messages = useMessages()
  const { route, go, href } = navigation
  const live = useStream({
    replica: route.replica,
    watch: ['replicas', ...VIEW_PARTS[route.view].watch].join(','),
    isOn: session !== undefined && session.role !== 'none',
    refused: reload,
  })
  const { tell, confirm } = messages
  const page = useMemo(() => {
    const who = session ?? { role: 'none', name: '', session: false, tokens: false }
    const askToken = (): void => setAsking(true)
    return { session: who, route, go, href, tell, confirm, signOut, checkSession: reload, askToken }
  }, [session, route])
  useEffect(() => {
    document.title = `${TITLES[route.view]} · runutil`
  }, [route.view])
  if (session === undefined) return failure === undefined ? null : <FailureNotice failure={failure} />
  if (session.role === 'none' || isAsking) {
    const signedIn = (): void => {
      setAsking(false)
      reload()
    }
    const back = session.role === 'none' ? undefined : () => setAsking(false)
    return <SignIn why={whyOf(session)} tokens={session.tokens} signedIn={signedIn} back={back} />
  }
  return (
    <PageContext.Provider value={page}>
      <LiveContext.Provider value={live}>
        <Clock>
          <Shell />
        </Clock>
      </LiveContext.Provider>
      <Outcomes told={messages.told} forget={messages.forget} />
      {messages.question !== undefined && <ConfirmDialog {...messages.question} />}
    </PageContext.Provider>
  )
}

function whyOf({ role, tokens }: { readonly role: string; readonly tokens: boolean }): string {
  if (role === 'read') return 'You may look. To change things, show a token that allows it.'
  if (tokens)
    return 'Whoever may see what this program does has a token: one of the options token and readToken.'
  return 'You may not see what this program does: its option authorize says so, or it has no token to show.'
}

function Clock({ children }: { readonly children: ComponentChildren }) {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return <NowContext.Provider value={now}>{children}</NowContext.Provider>
}

function Shell() {
  const { route } = usePage()
  const { Part } = VIEW_PARTS[route.view]
  return (
    <>
      <a class="skip" href="#main">
        Skip to the view
      </a>
      <Header />
      <Navigation />
      <main id="main" tabIndex={-1}>
        <h1 class="hidden">{TITLES[route.view]}</h1>
        <Trouble />
        <Part key={route.view} />
      </main>
    </>
  )
}

/** A loss that is over so soon is no news. */
const SHORT_LOSS_MS = 3_000

/** Why what is shown isn't what goes on now. */
function Trouble() {
  const { connection, failure, state, since, heardAt } = useLive()
  const lateness = useLateness()
  if (connection === 'lost') {
    if (state !== undefined && Date.now() - since < SHORT_LOSS_MS) return null
    const why = failure?.message ?? 'the connection was closed'
    return <TroubleLine text={heardAt === undefined ? why : `${why}. What is shown is as it was then.`} />
  }
  return lateness === undefined ? null : <TroubleLine text={lateness} />
}

function TroubleLine({ text }: { readonly text: string }) {
  return (
    <div class="trouble" role="alert">
      <Mark tone="bad" shape="triangle">
        {text}
      </Mark>
    </div>
  )
}
