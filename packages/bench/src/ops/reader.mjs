// Reads a stream of events for as long as it lasts, in a process of its own. Its argument: the address.
import { get } from 'node:http'

get(process.argv[2], (response) => {
  response.once('data', () => process.stdout.write('reading\n'))
  response.on('close', () => process.exit(0))
}).on('error', () => process.exit(1))
