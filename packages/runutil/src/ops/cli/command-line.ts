import { Command, CommanderError } from 'commander'
import { messageOf } from '../../core/thrown.ts'
import { VERSION } from '../../core/version.ts'
import { ApiClient } from './api-client.ts'
import type { CliCommand, Options } from './command.ts'
import { CommandError } from './command-errors.ts'
import { COMMANDS } from './commands.ts'
import type { Terminal } from './terminal.ts'
import { Output } from './text/output.ts'
import { printableLines } from './text/printable.ts'
import { styleFor } from './text/style.ts'

const DEFAULT_URL = 'http://127.0.0.1:8090/'

/**
 * Runs the command `runutil`.
 *
 * @param argv without the names of Node and the program
 * @returns the exit code: 0; 1 refused, failed or found something that fails; 2 wrong usage
 */
export async function commandLine(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0
  const program = programOf(terminal)
  for (const command of COMMANDS) {
    add(program, command, terminal, (code) => {
      exitCode = code
    })
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    // What it has to say, it has said.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (terminal.signal.aborted) return 1
    complain(error, terminal)
    return error instanceof CommandError ? error.exitCode : 1
  }
}

function programOf({ stdout, stderr }: Terminal): Command {
  return new Command('runutil')
    .description('Shows what a program of runutil does, and steers it.')
    .version(VERSION)
    .option('--url <url>', `where its OpsServer is; default: RUNUTIL_URL, else ${DEFAULT_URL}`)
    .option('--token <token>', 'that allows to read or to change; default: RUNUTIL_OPS_TOKEN')
    .option('--json', 'print what the API answers')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) =>
        write(`runutil: ${printableLines(text.replace(/^error: /, '').trim()).join('\n')}\n`),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
}

function add(
  program: Command,
  cliCommand: CliCommand,
  terminal: Terminal,
  ended: (exitCode: number) => void,
): void {
  const { usage, about, options = [], more } = cliCommand
  const command = program.command(usage).description(about)
  for (const [flags, what] of options) command.option(flags, what)
  if (more !== undefined) command.addHelpText('after', `\n${more}`)
  command.action(async () => {
    const given = command.optsWithGlobals<Record<string, unknown>>()
    const { env } = terminal
    let api: ApiClient | undefined
    const call = {
      args: command.processedArgs as (string | undefined)[],
      options: optionsOf(given),
      isJson: given['json'] === true,
      get api() {
        const url = (given['url'] as string | undefined) ?? (env['RUNUTIL_URL'] || DEFAULT_URL)
        const token = (given['token'] as string | undefined) ?? env['RUNUTIL_OPS_TOKEN']
        return (api ??= new ApiClient({ url, token, terminal }))
      },
      output: new Output(terminal),
      terminal,
    }
    ended((await cliCommand.run(call)) ?? 0)
  })
}

function optionsOf(given: Readonly<Record<string, unknown>>): Options {
  return {
    text: (name) => (typeof given[name] === 'string' ? given[name] : undefined),
    isSet: (name) => given[name] === true,
  }
}

function complain(error: unknown, { stderr, env }: Terminal): void {
  const [first = '', ...others] = printableLines(messageOf(error))
  stderr.write(`${styleFor(stderr, env)('bad', 'runutil:')} ${first}\n`)
  for (const line of others) stderr.write(`  ${line}\n`)
}
