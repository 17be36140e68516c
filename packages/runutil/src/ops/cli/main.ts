#!/usr/bin/env node
import { systemClock } from '../../core/clock-system.ts'
import { commandLine } from './command-line.ts'

const ending = new AbortController()
process.once('SIGINT', () => ending.abort())
process.once('SIGTERM', () => ending.abort())
// Whoever reads may have read enough, as `head` does.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ending.abort())

const { stdin, stdout, stderr, env } = process
const terminal = { stdin, stdout, stderr, env, clock: systemClock, signal: ending.signal }
const exitCode = await commandLine(process.argv.slice(2), terminal)
// By its own end, so that all that was written gets there.
process.exitCode = exitCode
