import type { State } from '../../views/read-model.ts'
import { CommandError } from '../command-errors.ts'
import type { Call, CliCommand } from '../command.ts'
import type { KindList } from '../commands/kinds.ts'
import { LiveTop } from './live-top.ts'
import { picture } from './picture.ts'
import { newModel } from './top-model.ts'

export const TOP: CliCommand = {
  usage: 'top',
  about: 'workers and kinds, live; without a terminal, one picture of them',
  options: [['--replica <id>', 'of which process; default: the one that answers']],
  run: async (call) => {
    const { api, options, output, terminal, isJson } = call
    const isLive = terminal.stdin.isTTY === true && terminal.stdout.isTTY === true && !isJson
    const replica = options.text('replica')
    if (isLive) await new LiveTop({ api, terminal, style: output.style, replica }).run()
    else await showOnce(call, replica)
    return 0
  },
}

async function showOnce({ api, output, terminal, isJson }: Call, replica: string | undefined): Promise<void> {
  const state = await api.get<State>('state', { replica })
  if (isJson) return output.json(state)
  const [kinds, kindsFailure] = await kindsOf(api)
  const now = terminal.clock.now()
  const model = { ...newModel(api.url), state, stateAt: now, kinds, kindsAt: now, kindsFailure }
  for (const line of picture(model, { now, width: output.width, style: output.style })) output.line(line)
}

/** A program without a queue has none. */
async function kindsOf(api: Call['api']): Promise<[KindList | undefined, string | undefined]> {
  try {
    return [await api.get<KindList>('kinds'), undefined]
  } catch (error) {
    if (error instanceof CommandError) return [undefined, error.message]
    throw error
  }
}
