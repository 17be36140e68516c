import { useCallback, useState } from 'preact/hooks'
import type { Outcome } from './page-context.ts'
import type { ConfirmDialogProps, Question } from './parts/confirm-dialog.tsx'
import type { Told } from './parts/outcomes.tsx'

const MOST_TOLD = 5

export interface Messages {
  readonly told: readonly Told[]
  readonly question: ConfirmDialogProps | undefined
  tell(outcome: Outcome): void
  forget(id: number): void
  confirm(question: Question): Promise<boolean>
}

let lastId = 0

/** What the page tells and asks its user. */
export function useMessages(): Messages {
  const [told, setTold] = useState<readonly Told[]>([])
  const [question, setQuestion] = useState<ConfirmDialogProps | undefined>(undefined)
  const tell = useCallback((outcome: Outcome) => {
    const id = ++lastId
    setTold((before) => [...before, { ...outcome, id }].slice(-MOST_TOLD))
  }, [])
  const forget = useCallback((id: number) => setTold((before) => before.filter((one) => one.id !== id)), [])
  const confirm = useCallback((asked: Question): Promise<boolean> => {
    return new Promise((resolve) => {
      const answer = (isYes: boolean): void => {
        setQuestion(undefined)
        resolve(isYes)
      }
      setQuestion({ ...asked, answer })
    })
  }, [])
  return { told, question, tell, forget, confirm }
}
