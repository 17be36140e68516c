// Makes a contender's tables.
import { contender, finish, options } from './task.mjs'

await contender.setup(options.url, options)
finish()
