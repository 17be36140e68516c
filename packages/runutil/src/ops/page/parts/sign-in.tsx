import { useRef, useState } from 'preact/hooks'
import { post, toApiError } from '../api.ts'
import { Mark } from './mark.tsx'

export interface SignInProps {
  /** Why it is asked for. */
  readonly why: string
  /** Whether a token would help. */
  readonly tokens: boolean
  signedIn(): void
  /** For who may read without one. */
  back?: (() => void) | undefined
}

/** Asks for a token, and keeps it nowhere: the server sets a cookie that scripts can't read. */
export function SignIn({ why, tokens, signedIn, back }: SignInProps) {
  const input = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<string | undefined>(undefined)
  const [isAsking, setAsking] = useState(false)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setAsking(true)
    try {
      await post('session', { token: input.current?.value.trim() ?? '' })
      signedIn()
    } catch (error) {
      const { code, message } = toApiError(error)
      setWrong(code === 'token' ? 'That is no token of this server.' : message)
      input.current?.select()
    } finally {
      setAsking(false)
    }
  }
  return (
    <main class="sign-in" id="main">
      <h1>Sign in</h1>
      <p>{why}</p>
      {tokens && (
        <form onSubmit={(event) => void submit(event)}>
          <label for="token">Token</label>
          <input
            id="token"
            ref={input}
            type="password"
            autocomplete="current-password"
            required
            autofocus
            aria-describedby={wrong === undefined ? undefined : 'wrong-token'}
            aria-invalid={wrong !== undefined}
          />
          <div id="wrong-token" role="alert">
            {wrong !== undefined && (
              <Mark tone="bad" shape="cross">
                {wrong}
              </Mark>
            )}
          </div>
          <div class="buttons">
            {back !== undefined && (
              <button type="button" onClick={back}>
                Back
              </button>
            )}
            <button type="submit" class="primary" disabled={isAsking}>
              Sign in
            </button>
          </div>
        </form>
      )}
    </main>
  )
}
