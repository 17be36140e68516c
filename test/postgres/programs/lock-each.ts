// Locks as many of the folders as it can, and never lets go.
import { lockFolder } from '../../../packages/runutil/src/postgres/database/open-embedded.ts'

setInterval(() => {}, 1e9)
const told = new Promise((resolve) => process.once('SIGUSR2', resolve))
process.stdout.write('ready\n')
await told
const folders = process.argv.slice(2)
const locked: string[] = []
for (const folder of folders) {
  await lockFolder(folder).then(
    () => locked.push(folder),
    (error: { code?: string }) => {
      if (error.code !== 'ERR_DATABASE_IN_USE') throw error
    },
  )
}
process.stdout.write(`locked ${locked.join(' ')}\n`)
